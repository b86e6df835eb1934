//! What earlier cycles left, who holds the account, and whether a sweep fits into its schedule.

use jiff::{SignedDuration, Timestamp};

use super::Local;
use super::access::Asked;
use super::page::Row;
use crate::config::Account;
use crate::daemon::{Exposure, Needs};
use crate::files::Lock;
use crate::gather::log_lag;
use crate::model::{Scope, human_duration};
use crate::zendesk::{Pace, Zendesk};

/// A sweep may take this long beyond its interval before its absence is worth a word.
const LATE_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// People on a page of the roll.
const PEOPLE_PER_PAGE: usize = 100;

/// Lock, state, trail and the last cycle.
pub(super) fn look(local: &Local, now: Timestamp) -> Vec<Row> {
    let holder = Lock::holder(&local.loaded.state());
    let held = holder.map_or("nobody holds the account: no daemon runs".to_owned(), |pid| {
        format!("process {pid} holds the account")
    });
    vec![Row::good("lock", held), state(local), trail(local, holder, now)]
}

fn state(local: &Local) -> Row {
    let folder = local.loaded.state();
    match &local.memory {
        Err(trouble) => Row::bad("state", trouble.to_string())
            .help("run it as evictd's own user; a memory that is damaged is set aside by the next start"),
        Ok(_) if !folder.exists() => {
            Row::note("state", "there is none yet: the first `evictd run` or `apply` makes it")
        }
        Ok(memory) => Row::good("state", format!("{} people are remembered", memory.people.len())),
    }
}

fn trail(local: &Local, holder: Option<u32>, now: Timestamp) -> Row {
    let past = match &local.past {
        Ok(past) => past,
        Err(trouble) => {
            return Row::bad("trail", trouble.to_string())
                .help("nothing is revoked without a whole trail: `evictd audit verify` shows every fault");
        }
    };
    let Some(last) = &past.last_sweep else {
        return Row::note("trail", "it tells of no cycle yet: the first `evictd run` or `apply` begins it");
    };
    let age = last.at.duration_until(now);
    let what = format!("the last cycle was {} ago", human_duration(age.max(SignedDuration::ZERO)));
    let account = &local.loaded.account;
    let usual = account.sweep.interval(now, &account.time_zone).saturating_mul(2).saturating_add(LATE_AFTER);
    match (holder, age > usual) {
        (Some(pid), true) => Row::bad("trail", format!("{what}, although process {pid} holds the account"))
            .help("`evictd status` says how it stands, its log why"),
        (None, true) => Row::note("trail", what).help("`systemctl start evictd`, if it is to run"),
        (_, false) => Row::good("trail", what),
    }
}

/// What a sweep needs beside what the schedule gives it, and how long a bad session could live by that.
pub(super) async fn budget(local: &Local, asked: &Asked, now: Timestamp) -> Vec<Row> {
    let account = &local.loaded.account;
    let Some((zendesk, _)) = &asked.zendesk else { return vec![Row::unseen("budget")] };
    let known = local.past.as_ref().ok().and_then(|past| past.last_sweep.as_ref()).map(|last| last.finished.calls);
    let calls = match (known, local.set.as_ref().map(|set| set.scope(account.scope))) {
        (Some(calls), _) => Some(calls),
        (None, Some(Scope::Staff)) => first_sweep(zendesk).await,
        (None, _) => None,
    };
    let log_lag = local.set.as_ref().and_then(|set| log_lag(account, set.needs()));
    zendesk.is_beside_looks(log_lag.is_some());
    let pace = zendesk.pace();
    let every = account.sweep.interval(now, &account.time_zone);
    let exposure = Exposure::of(log_lag, calls, &pace, every);
    vec![
        needed(account, calls, &pace, now),
        if calls.is_some() {
            Row::good("exposure", format!("a bad session could live {exposure}"))
        } else {
            Row::note("exposure", format!("how long a bad session could live: {exposure}"))
        },
    ]
}

fn needed(account: &Account, calls: Option<u64>, pace: &Pace, now: Timestamp) -> Row {
    let limit = pace.account_limit.map(|limit| format!(" of the account's {limit}")).unwrap_or_default();
    let (sweeps, reserve) = (pace.requests_per_minute, account.budget.reserve_percent);
    let kept = format!("sweeps may send {sweeps} calls a minute{limit}, and {reserve} % are kept for acting");
    let Some(calls) = calls else {
        return Row::note("budget", format!("what a sweep needs is known after the first one; {kept}"));
    };
    let needs = Needs::of(account, calls, pace, now);
    let what = format!("{needs}; {kept}");
    if needs.fit() {
        return Row::good("budget", what);
    }
    Row::bad("budget", format!("{what}: sweeps will be missed")).help("raise `budget`, or sweep less often")
}

/// What the first sweep over staff needs: the roll, a call for each of them, one for who changed.
async fn first_sweep(zendesk: &Zendesk) -> Option<u64> {
    let roll = zendesk.staff().await;
    let people = roll.people.len();
    roll.completeness.is_complete().then(|| people + people.div_ceil(PEOPLE_PER_PAGE) + 1)?.try_into().ok()
}
