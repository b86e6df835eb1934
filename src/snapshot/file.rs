//! The snapshot's file: one JSON document, compressed. The same snapshot always gives the same bytes.
//!
//! Plain JSON is read too, so that a world can be written by hand. What is unpacked is capped: a small file can hold
//! endless zeros.

use std::collections::BTreeMap;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::net::IpAddr;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::Deserialize;

use super::Snapshot;
use super::wire::{self, Document, KIND, SCHEMA};
use crate::model::Country;

/// What the compressor is given at once, in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// No snapshot is larger when unpacked, in bytes: some ten million sessions.
pub const SNAPSHOT_BYTES_MAX: u64 = 2 << 30;

/// Why bytes are no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFault {
    /// Something else.
    #[error("this is not a snapshot: {0}")]
    Other(String),
    /// A later evictd wrote it.
    #[error("this snapshot has schema {found}, this program reads schema {SCHEMA}")]
    Schema {
        /// Its schema.
        found: u64,
    },
    /// It ends too early.
    #[error("this snapshot is truncated")]
    Truncated,
    /// It is damaged.
    #[error("this snapshot cannot be unpacked: {0}")]
    Damaged(String),
    /// It unpacks to more than the cap.
    #[error("this snapshot is larger than {max} bytes when unpacked")]
    TooLarge {
        /// The cap.
        max: u64,
    },
    /// A value in it makes no sense; may quote the file, so show it as foreign text.
    #[error("this snapshot makes no sense: {0}")]
    Field(String),
}

/// The file form of a snapshot.
///
/// # Errors
///
/// None that is known: writing into memory does not fail.
pub fn to_bytes(snapshot: &Snapshot) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write(snapshot, &mut bytes)?;
    Ok(bytes)
}

/// Writes the file form of a snapshot, piece by piece: the whole of it is never in memory.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(snapshot: &Snapshot, into: &mut dyn Write) -> io::Result<()> {
    let packed = GzBuilder::new().mtime(0).write(into, Compression::fast());
    // The compressor prepares its whole output for every piece it is given: it must not be given single tokens.
    let mut pieces = BufWriter::with_capacity(PIECE_BYTES, packed);
    serde_json::to_writer(&mut pieces, &Document::from(snapshot))?;
    pieces.write_all(b"\n")?;
    pieces.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
    Ok(())
}

/// Reads a snapshot's file form, compressed or plain.
///
/// # Errors
///
/// What is wrong with it.
pub fn from_bytes(bytes: &[u8]) -> Result<Snapshot, SnapshotFault> {
    from_bytes_of_at_most(SNAPSHOT_BYTES_MAX, bytes)
}

fn from_bytes_of_at_most(bytes_max: u64, bytes: &[u8]) -> Result<Snapshot, SnapshotFault> {
    if bytes.is_empty() {
        return Err(SnapshotFault::Other("it is empty".to_owned()));
    }
    match read::<wire::Read>(bytes_max, bytes) {
        Ok(document) if document.is_ours() => document.try_into().map_err(SnapshotFault::Field),
        // Say first what it is, and only then what is wrong in it: a later schema may look quite different.
        outcome => {
            let marks: Marks = read(bytes_max, bytes).map_err(|fault| match fault {
                SnapshotFault::Field(why) => SnapshotFault::Other(why),
                other => other,
            })?;
            if marks.kind.as_deref() != Some(KIND) {
                return Err(SnapshotFault::Other(format!("it has no `\"kind\": \"{KIND}\"`")));
            }
            match marks.schema {
                Some(SCHEMA) => outcome?.try_into().map_err(SnapshotFault::Field),
                Some(found) => Err(SnapshotFault::Schema { found }),
                None => Err(SnapshotFault::Other("it has no schema".to_owned())),
            }
        }
    }
}

/// Only the addresses of a snapshot's file form, each with its country if that is known: nothing else of it is held.
///
/// # Errors
///
/// What is wrong with it.
pub fn countries_of(bytes: &[u8]) -> Result<BTreeMap<IpAddr, Option<Country>>, SnapshotFault> {
    let wire: wire::Places = read(SNAPSHOT_BYTES_MAX, bytes)?;
    wire.countries().map_err(SnapshotFault::Field)
}

/// What tells a snapshot of any schema from other files.
#[derive(Deserialize)]
struct Marks {
    schema: Option<u64>,
    kind: Option<String>,
}

fn read<T: for<'de> Deserialize<'de>>(bytes_max: u64, bytes: &[u8]) -> Result<T, SnapshotFault> {
    let mut capped = Capped { left: bytes_max, is_over: false, inner: unpacked(bytes) };
    let read = serde_json::from_reader(BufReader::with_capacity(64 << 10, &mut capped));
    if capped.is_over {
        return Err(SnapshotFault::TooLarge { max: bytes_max });
    }
    read.map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => SnapshotFault::Truncated,
        serde_json::error::Category::Io if error.io_error_kind() == Some(io::ErrorKind::UnexpectedEof) => {
            SnapshotFault::Truncated
        }
        serde_json::error::Category::Io => SnapshotFault::Damaged(error.to_string()),
        serde_json::error::Category::Syntax => SnapshotFault::Other(error.to_string()),
        serde_json::error::Category::Data => SnapshotFault::Field(error.to_string()),
    })
}

fn unpacked(bytes: &[u8]) -> Box<dyn Read + '_> {
    if bytes.starts_with(&[0x1f, 0x8b]) { Box::new(GzDecoder::new(bytes)) } else { Box::new(bytes) }
}

/// Stops at the cap, and remembers that it did.
struct Capped<R> {
    left: u64,
    is_over: bool,
    inner: R,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let Some(left) = self.left.checked_sub(count as u64) else {
            self.is_over = true;
            return Err(io::Error::other("too large"));
        };
        self.left = left;
        Ok(count)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::option::of;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::model::{
        AccountName, Basis, Cause, Completeness, CycleId, Ended, Foreign, Habit, History, Hold, HoldState, Input,
        ListChange, ListStanding, ListTrouble, Listed, Mode, Moment, Outcome, Pause, Person, Rest, Role, RoleType,
        RuleId, Run, Scope, Session, SessionId, Stratum, Traces, UserId, Watched,
    };
    use crate::snapshot::{Clocks, Neighbours, Protected};

    pub fn user() -> impl Strategy<Value = UserId> {
        (1..=u64::MAX).prop_map(|number| UserId::new(number).unwrap())
    }

    pub fn instant() -> impl Strategy<Value = Timestamp> {
        let seconds = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
        (seconds, 0..1_000_000_000).prop_map(|(seconds, rest)| Timestamp::new(seconds, rest).unwrap_or_default())
    }

    fn length() -> impl Strategy<Value = SignedDuration> {
        any::<i64>().prop_map(SignedDuration::from_nanos)
    }

    fn text() -> impl Strategy<Value = Foreign> {
        any::<String>().prop_map(Foreign::new)
    }

    fn session() -> impl Strategy<Value = Session> {
        (any::<u64>(), of(user()), of(instant()), of(instant()), instant()).prop_map(
            |(id, user, authenticated_at, last_seen_at, seen)| Session {
                id: SessionId(id),
                user,
                authenticated_at: authenticated_at.map(Moment::from),
                last_seen_at: last_seen_at.map(Moment::from),
                seen: seen.into(),
            },
        )
    }

    fn person() -> impl Strategy<Value = Person> {
        let texts = (text(), of(text()), of(text()), vec(text(), 0..3));
        let words = (of(select(Role::ALL)), of(select(RoleType::ALL)), of(any::<u64>()), of(any::<u64>()));
        let truths = any::<[Option<bool>; 5]>();
        (user(), instant(), texts, words, truths).prop_map(|(id, seen, texts, words, truths)| Person {
            id,
            seen,
            name: texts.0,
            email: texts.1,
            role: words.0,
            role_type: words.1,
            custom_role_id: words.2,
            deleted: truths[0],
            suspended: truths[1],
            two_factor: truths[2],
            verified: truths[3],
            chat_only: truths[4],
            tags: texts.3,
            organization_id: words.3,
            external_id: texts.2,
        })
    }

    fn rules() -> impl Strategy<Value = Vec<RuleId>> {
        vec(rule(), 0..3)
    }

    fn rule() -> impl Strategy<Value = RuleId> {
        "[a-z-]{1,9}".prop_map(RuleId::new)
    }

    prop_compose! {
        fn ended()(
            (session, user, stratum) in (any::<u64>(), user(), select(Stratum::ALL)),
            (rules, core, came_back) in (rules(), rules(), rules()),
            (at, outcome, cycle) in (instant(), select(Outcome::ALL), of("[0-9a-f]{8}".prop_map(CycleId::new))),
        ) -> Ended {
            Ended { session: SessionId(session), user, stratum, rules, at, outcome, cycle, core, came_back }
        }
    }

    fn basis() -> impl Strategy<Value = Basis> {
        any::<u32>().prop_map(|digest| Basis::default().with(Input::Lists, &format!("{digest:08x}")))
    }

    prop_compose! {
        fn rest()(basis in basis(), since in instant(), changed in vec(select(Input::ALL.to_vec()), 0..3)) -> Rest {
            Rest { basis, since, changed }
        }
    }

    prop_compose! {
        fn habit()(runs in vec((any::<u32>(), basis(), any::<u32>()), 0..3), claimed in btree_set(user(), 0..3)) -> Habit {
            let run = |(new_people, basis, times)| Run { new_people, basis, times };
            Habit { runs: runs.into_iter().map(run).collect(), claimed }
        }
    }

    prop_compose! {
        fn hold()(
            (id, rule, belt, mode) in (any::<u64>(), rule(), "[a-z-]{1,9}", select(Mode::ALL)),
            (limit, count, opened_at) in (of(any::<u64>()), of(any::<u64>()), instant()),
            people in btree_map(user(), select(Stratum::ALL), 0..3),
            state in select(HoldState::ALL),
        ) -> Hold {
            Hold { id, rule, belt, limit, count, mode, opened_at, people, state }
        }
    }

    prop_compose! {
        fn history()(
            ended in vec(ended(), 0..3),
            roster in of(btree_map(select(Stratum::ALL), 0..usize::MAX, 0..3)),
            rests in btree_map(rule(), rest(), 0..3),
            habits in btree_map((rule(), select(Stratum::ALL)), habit(), 0..3),
            holds in vec(hold(), 0..3),
        ) -> History {
            History { ended, roster, rests, habits, holds }
        }
    }

    fn snapshot() -> impl Strategy<Value = Snapshot> {
        let clocks = (length(), length(), any::<bool>());
        let clocks = clocks.prop_map(|(host_offset, drift, trusted)| Clocks { host_offset, drift, trusted });
        let listing = of(any::<String>()).prop_map(|why| why.map_or(Completeness::Complete, Completeness::Partial));
        let protected = (vec(user(), 0..3), vec(text(), 0..3))
            .prop_map(|(people, unresolved)| Protected { people: BTreeSet::from_iter(people), unresolved });
        let rows = (vec(session(), 0..4), vec(person(), 0..4), btree_map(user(), select(Cause::ALL), 0..3));
        let rest = (user(), of(of(instant()).prop_map(|until| Pause { until })), instant());
        (clocks, history(), listing, protected, rows, rest).prop_map(
            |(clocks, history, listing, protected, (mut sessions, people, unread), (own, pause, now))| {
                sessions.sort_by_key(|session| session.id);
                sessions.dedup_by_key(|session| session.id);
                let cycle = CycleId::new("0198a0c0-0000-7000-8000-000000000000");
                Snapshot {
                    clocks,
                    listing,
                    sessions,
                    people: people.into_iter().map(|person| (person.id, Arc::new(person))).collect(),
                    unread,
                    protected,
                    history,
                    pause,
                    ..Snapshot::empty(AccountName::new("acme"), cycle, now, own)
                }
            },
        )
    }

    fn traces() -> impl Strategy<Value = Traces> {
        [of(instant()), of(instant()), of(instant()), of(instant()), of(instant())].prop_map(
            |[admin_at, agent_at, deleted_since, suspended_since, staff_lost_since]| Traces {
                admin_at,
                agent_at,
                deleted_since,
                suspended_since,
                staff_lost_since,
            },
        )
    }

    fn standing() -> impl Strategy<Value = ListStanding> {
        let trouble = (select(Cause::ALL), any::<String>(), of(any::<String>()));
        let trouble = of(trouble.prop_map(|(cause, why, help)| ListTrouble { cause, why, help }));
        let change = of(any::<(usize, usize)>().prop_map(|(added, removed)| ListChange { added, removed }));
        let words = (of(any::<String>()), vec(any::<String>(), 0..3), of(any::<String>()));
        (any::<[usize; 6]>(), words, trouble, change).prop_map(|(counts, words, unknown, change)| {
            let [rows, pending, unmatched, ambiguous, unasked, unreadable] = counts;
            let (digest, faults, accepted_by) = words;
            ListStanding {
                digest,
                rows,
                pending,
                unmatched,
                ambiguous,
                unasked,
                unreadable,
                faults,
                unknown,
                accepted_by,
                change,
            }
        })
    }

    fn neighbours() -> impl Strategy<Value = Neighbours> {
        let users = || proptest::collection::btree_set(user(), 0..3);
        let block = prop_oneof![Just("8.8.1.0"), Just("2a00:1:2::"), Just("192.168.7.0")];
        let blocks = btree_map(block.prop_map(|block| block.parse().unwrap()), users(), 0..3);
        let since = of(instant());
        (since, blocks, users()).prop_map(|(since, blocks, astray)| Neighbours { since, blocks, astray })
    }

    fn watched() -> impl Strategy<Value = Watched> {
        let word = select(Watched::KINDS);
        (word, any::<String>()).prop_map(|(kind, name)| Watched::from_words(kind, &name).unwrap())
    }

    /// A snapshot with what is remembered and listed of people.
    pub fn full() -> impl Strategy<Value = Snapshot> {
        let listed = (any::<String>(), instant(), instant());
        let listed = listed.prop_map(|(list, since, as_of)| Listed { list: list.into(), since, as_of });
        let lists = (btree_map(any::<String>(), standing(), 0..3), btree_map(user(), vec(listed, 1..3), 0..3));
        let roster = of(btree_map(select(Stratum::ALL), 0..usize::MAX, 0..3));
        let ids = btree_map(user(), vec(any::<u64>(), 1..3), 0..3);
        let groups = prop_oneof![ids.prop_map(Ok), select(Cause::ALL).prop_map(Err)];
        let remembered = (neighbours(), btree_map(watched(), any::<u16>(), 0..3));
        let seen = (select(Scope::ALL), btree_map(user(), any::<String>(), 0..3), of(instant()));
        (snapshot(), seen, btree_map(user(), traces(), 0..3), lists, (roster, groups, remembered)).prop_map(
            |(snapshot, (scope, cut, people_as_of), traces, (lists, listed), (roster, groups, remembered))| Snapshot {
                scope,
                cut,
                people_as_of,
                traces,
                groups,
                lists,
                listed,
                roster,
                neighbours: remembered.0,
                usual: remembered.1,
                ..snapshot
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_snapshot_reads_back_as_it_was(snapshot in full()) {
            let bytes = to_bytes(&snapshot).unwrap();
            prop_assert_eq!(from_bytes(&bytes), Ok(snapshot.clone()));
            prop_assert_eq!(bytes, to_bytes(&snapshot).unwrap());
        }
    }

    fn sample() -> Snapshot {
        let own = UserId::new(7).unwrap();
        let cycle = CycleId::new("0198a0c0-0000-7000-8000-000000000000");
        let now = "2026-11-23T08:00:00.123456789Z".parse().unwrap();
        Snapshot {
            unread: BTreeMap::from([(own, Cause::NoRow)]),
            ..Snapshot::empty(AccountName::new("acme"), cycle, now, own)
        }
    }

    fn plain() -> String {
        let mut text = String::new();
        GzDecoder::new(to_bytes(&sample()).unwrap().as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_plain_document_is_read_too_and_starts_with_its_marks() {
        let text = plain();
        assert!(text.starts_with(r#"{"schema":1,"kind":"evictd-snapshot","account":"acme","#), "{text}");
        assert!(text.contains(r#""now":"2026-11-23T08:00:00.123456789Z""#) && text.contains(r#""own":"7""#), "{text}");
        assert_eq!(from_bytes(text.as_bytes()), Ok(sample()));
    }

    #[test]
    fn a_row_leaves_out_what_it_does_not_have_and_a_null_is_read_as_well() {
        let nobody = Session {
            id: SessionId(1),
            user: None,
            authenticated_at: None,
            last_seen_at: None,
            seen: Timestamp::UNIX_EPOCH.into(),
        };
        let snapshot = Snapshot { sessions: vec![nobody], ..sample() };
        let mut text = String::new();
        GzDecoder::new(to_bytes(&snapshot).unwrap().as_slice()).read_to_string(&mut text).unwrap();
        let row = r#"{"id":"1","seen":"1970-01-01T00:00:00Z"}"#;
        assert!(text.contains(&format!(r#""sessions":[{row}]"#)), "{text}");
        let nulls = text.replace(row, &row.replace(r#","seen""#, r#","user":null,"last_seen_at":null,"seen""#));
        assert_eq!(from_bytes(nulls.as_bytes()), Ok(snapshot));
    }

    fn fault_of(text: &str) -> String {
        from_bytes(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_snapshot_says_why() {
        let changed = |from: &str, to: &str| {
            assert!(plain().contains(from), "{from}");
            fault_of(&plain().replacen(from, to, 1))
        };
        for (text, part) in [
            ("", "not a snapshot: it is empty"),
            ("[[rule]]", "not a snapshot"),
            ("5", "not a snapshot"),
            ("{}", "not a snapshot: it has no `\"kind\""),
            ("{\"schema\":1,\"kind\":\"evictd-snap", "truncated"),
            ("\u{1f}x", "not a snapshot"),
        ] {
            assert!(fault_of(text).contains(part), "{text}: {}", fault_of(text));
        }
        assert!(changed(r#""schema":1"#, r#""schema":2,"new":[]"#).contains("has schema 2"));
        assert!(changed(r#""own":"7""#, r#""own":"0""#).contains("field `own` cannot be `0`"));
        assert!(changed(r#""own":"7","#, "").contains("missing field `own`"));
        assert!(changed(r#""own""#, r#""onw""#).contains("unknown field `onw`"));
        assert!(changed(r#""7":"no-row""#, r#""7":"x""#).contains("field `unread` cannot be `x`"));
        let twice =
            r#"{"id":"1","user":null,"authenticated_at":null,"last_seen_at":null,"seen":"1970-01-01T00:00:00Z"}"#;
        let rows = |rows: &str| changed(r#""sessions":[]"#, &format!(r#""sessions":[{rows}]"#));
        assert!(rows(&format!("{twice},{twice}")).contains("session `1` is there twice"));
        assert!(rows(&twice.replace("1970", "year")).contains("sessions[0]: field `seen` cannot be"));
    }

    #[test]
    fn a_cut_or_damaged_file_is_never_read() {
        let bytes = to_bytes(&sample()).unwrap();
        for length in 1..bytes.len() {
            assert!(from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        assert_eq!(from_bytes(&bytes[..bytes.len() / 2]), Err(SnapshotFault::Truncated));
        let mut damaged = bytes.clone();
        let middle = bytes.len() / 2;
        damaged[middle] ^= 0x55;
        assert!(from_bytes(&damaged).is_err());
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let mut bomb = GzBuilder::new().write(Vec::new(), Compression::best());
        bomb.write_all(b"{\"schema\":1,\"kind\":\"").unwrap();
        bomb.write_all(&vec![b'x'; 4 << 20]).unwrap();
        let bomb = bomb.finish().unwrap();
        assert!(bomb.len() < 16 << 10);
        assert_eq!(from_bytes_of_at_most(1 << 20, &bomb), Err(SnapshotFault::TooLarge { max: 1 << 20 }));
        let whole = plain();
        assert!(from_bytes_of_at_most(whole.len() as u64, whole.as_bytes()).is_ok());
        assert!(from_bytes_of_at_most(whole.len() as u64 - 1, whole.as_bytes()).is_err());
    }
}
