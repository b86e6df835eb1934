//! Policies that must be signed: what a deploy tool, an insider and a lost disk can bring into force, and what not.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::Value;
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, Signature, SshSig};

use super::{CONFIG, desk, run, status, stop, verify, wait_until_it_says, wait_until_it_stands};
use crate::program::{Desk, Ran, Room, Running, poll};

const POLICIES: &str = "policies/simulated.toml";

/// A list that the policies name, in a file of its own.
const OFFICE: &str = "schema = 1\n[list.office]\nfile = \"../lists/office.txt\"\n[[rule]]\nid = \"elsewhere\"\n\
                      title = \"Elsewhere\"\naction = \"revoke-session\"\nmode = \"report\"\n[rule.when]\n\
                      network.address.not-in = [\"@office\"]\n[[rule.case]]\ntitle = \"not there\"\n\
                      given = { network.address = \"192.0.2.1\" }\nexpect = \"revoke\"\n";

/// Ann, Ben and Mallory; the first two may sign.
const PEOPLE: [&str; 3] = ["ann", "ben", "mallory"];

fn key(name: &str) -> (Ed25519KeyPair, KeyData) {
    let seed = u8::try_from(PEOPLE.iter().position(|one| *one == name).unwrap()).unwrap() + 1;
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let public = KeyData::Ed25519(Ed25519PublicKey(pair.public_key().as_ref().try_into().unwrap()));
    (pair, public)
}

fn line_of(name: &str) -> String {
    format!("{name}@example.com {}\n", PublicKey::from(key(name).1).to_openssh().unwrap())
}

/// A desk whose account asks for signatures; nothing is signed yet.
fn asking() -> Desk {
    let desk = desk();
    let room = &desk.room;
    room.write("evictd.toml", room.read("evictd.toml") + "signatures = { allowed-signers = \"allowed_signers\" }\n");
    room.write("allowed_signers", line_of("ann") + &line_of("ben"));
    room.write("policies/office.toml", OFFICE);
    room.write("lists/office.txt", "192.0.2.0/24\n198.51.100.0/24\n");
    desk
}

fn command(room: &Room, words: &[&str]) -> Ran {
    room.run(&[words, &CONFIG[..]].concat())
}

/// Writes the manifest of what lies there, and has it signed by these people alone.
fn sign(room: &Room, people: &[&str]) {
    drop(fs::create_dir(room.path("signatures")));
    let manifest = command(room, &["policy", "manifest"]).says(0, &[]).stdout;
    room.write("signatures/manifest", &manifest);
    for name in PEOPLE {
        drop(fs::remove_file(room.path(&format!("signatures/{name}.sig"))));
    }
    let data = SshSig::signed_data("evictd-policies", HashAlg::Sha512, manifest.as_bytes()).unwrap();
    for name in people {
        let (pair, public) = key(name);
        let bare = Signature::new(Algorithm::Ed25519, pair.sign(&data).as_ref()).unwrap();
        let seal = SshSig::new(public, "evictd-policies", HashAlg::Sha512, bare).unwrap();
        room.write(&format!("signatures/{name}.sig"), seal.to_pem(LineEnding::LF).unwrap());
    }
}

/// The desk, with a daemon that has a set in force that both signed.
fn in_force() -> (Desk, Running) {
    let desk = asking();
    sign(&desk.room, &["ann", "ben"]);
    let daemon = run(&desk.room);
    wait_until_it_stands(&daemon, &desk.room, "armed");
    (desk, daemon)
}

fn serials(desk: &Desk) -> Vec<Value> {
    let trail = desk.trail();
    trail.iter().filter(|line| line["kind"] == "policy.loaded").map(|line| line["signed"]["serial"].clone()).collect()
}

/// Reloads; what is in force then is of this serial.
fn takes(desk: &Desk, daemon: &Running, serial: u64) {
    daemon.signal("HUP");
    poll(|| (serials(desk).last()? == serial).then_some(())).unwrap_or_else(|| panic!("{}", daemon.said()));
    let is_well = poll(|| status(&desk.room)["daemon"]["rejected"].is_null().then_some(()));
    assert!(is_well.is_some(), "{}", daemon.said());
}

/// Reloads; what is in force stays, and the status says why, as `verify` does.
fn refuses(desk: &Desk, daemon: &Running, parts: &[&str]) {
    let before = (serials(desk), rejections(desk));
    daemon.signal("HUP");
    poll(|| (rejections(desk) > before.1).then_some(())).unwrap_or_else(|| panic!("{}", daemon.said()));
    assert_eq!(serials(desk), before.0);
    let said =
        poll(|| Some(status(&desk.room)["daemon"]["rejected"].to_string()).filter(|said| said.contains(parts[0])));
    let said = said.unwrap_or_else(|| panic!("no `{}`: {:#}", parts[0], status(&desk.room)));
    for part in parts {
        assert!(said.contains(part), "no `{part}`: {said}");
    }
    command(&desk.room, &["policy", "verify"]).says(1, parts);
}

fn rejections(desk: &Desk) -> usize {
    desk.trail().iter().filter(|line| line["kind"] == "policy.rejected").count()
}

#[test]
fn a_first_set_comes_into_force_when_two_signed_it() {
    let desk = asking();
    let room = &desk.room;
    run(room).end().says(78, &["there is no last good set to run instead"]);
    for people in [&["ann"][..], &["mallory", "ann"], &["mallory"]] {
        sign(room, people);
        run(room).end().says(78, &["not-signed"]);
        command(room, &["apply", "--yes"]).says(78, &["the set needs 2 signers", "it is the first signed set here"]);
        assert!(!room.path("trail/simulated").exists());
    }
    command(room, &["policy", "verify"]).says(1, &["mallory.sig` counts for nothing", "the set cannot be in force"]);
    let doctor = command(room, &["doctor"]);
    assert!(doctor.stdout.contains("the set needs 2 signers"), "{doctor:#?}");
    command(room, &["plan"]).says(0, &["are not signed as they must be"]);
    sign(room, &["ann", "ben"]);
    command(room, &["policy", "verify"]).says(0, &["signed by ann@example.com, SHA256:", "serial 1 can be in force"]);
    let daemon = run(room);
    wait_until_it_stands(&daemon, room, "armed");
    let doctor = command(room, &["doctor"]);
    assert!(doctor.stdout.contains("the set with serial 1 is signed by 2 people"), "{doctor:#?}");
    stop(daemon);
    assert_eq!(serials(&desk), [1]);
    let shown = command(room, &["audit", "show", "--kind", "policy.loaded"]);
    shown.says(
        0,
        &["serial          1", "principal       ann@example.com", "BEGIN SSH SIGNATURE", "policies/office.toml"],
    );
    verify(room);
}

#[test]
fn one_signer_may_do_what_is_neutral_and_two_what_is_not() {
    let (desk, daemon) = in_force();
    let room = &desk.room;
    room.edit(POLICIES, "title    = \"Deleted user is", "title    = \"A deleted user is");
    refuses(&desk, &daemon, &["simulated.toml` is another than in it"]);
    sign(room, &["mallory"]);
    refuses(&desk, &daemon, &["the set needs 1 signer", "mallory.sig` counts for nothing", "not among the allowed"]);
    sign(room, &["ben"]);
    takes(&desk, &daemon, 2);
    let stronger = room.read(POLICIES);
    let deployed = ["manifest", "ben.sig"].map(|name| (name, room.read(&format!("signatures/{name}"))));

    room.edit(POLICIES, "mode     = \"enforce\"", "mode     = \"report\"");
    sign(room, &["ben"]);
    refuses(&desk, &daemon, &["the set needs 2 signers", "it weakens protection", "who else may sign: ann"]);
    sign(room, &["ben", "ann"]);
    takes(&desk, &daemon, 3);

    room.write(POLICIES, &stronger);
    sign(room, &["ann"]);
    refuses(&desk, &daemon, &["the set needs 2 signers", "it widens what may end"]);
    for (name, text) in &deployed {
        room.write(&format!("signatures/{name}"), text);
    }
    refuses(&desk, &daemon, &["the set has the serial 2, and 3 was in force"]);

    sign(room, &["ann", "ben"]);
    room.write("policies/more.toml", "schema = 1\n");
    refuses(&desk, &daemon, &["more.toml` is on the disk and not in it"]);
    fs::remove_file(room.path("policies/more.toml")).unwrap();
    takes(&desk, &daemon, 4);
    stop(daemon);
    assert_eq!(serials(&desk), [1, 2, 3, 4]);
    verify(room);
}

#[test]
fn a_list_is_signed_with_the_policies() {
    let (desk, daemon) = in_force();
    let room = &desk.room;
    room.write("lists/office.txt", "203.0.113.0/24\n198.51.100.0/24\n");
    refuses(&desk, &daemon, &["the file of list `office` is another than in it"]);
    sign(room, &["ann"]);
    refuses(&desk, &daemon, &["the set needs 2 signers", "list `office` unclear"]);
    sign(room, &["ann", "ben"]);
    takes(&desk, &daemon, 2);
    let loaded = desk.trail().into_iter().rfind(|line| line["kind"] == "policy.loaded").unwrap();
    assert_eq!((&loaded["class"], &loaded["changes"][0]["name"]), (&"unclear".into(), &"office".into()), "{loaded:#}");
    // A list that somebody delivers on their own is not signed.
    room.edit("policies/office.toml", "[[rule]]", "signed = false\n[[rule]]");
    sign(room, &["ann", "ben"]);
    assert!(!room.read("signatures/manifest").contains("office\n"));
    takes(&desk, &daemon, 3);
    stop(daemon);
}

#[test]
fn other_signers_are_told_as_what_weakens() {
    let (desk, daemon) = in_force();
    let room = &desk.room;
    room.write("allowed_signers", line_of("ann") + &line_of("ben") + &line_of("mallory"));
    daemon.signal("HUP");
    let told = poll(|| {
        (serials(&desk) == [1, 1]).then(|| desk.trail().into_iter().rfind(|one| one["kind"] == "policy.loaded"))
    });
    let told = told.flatten().unwrap_or_else(|| panic!("{}", daemon.said()));
    assert_eq!(
        (&told["class"], &told["changes"][0]["name"]),
        (&"weakens".into(), &"signatures.allowed-signers".into())
    );
    // The same set is not told again.
    takes(&desk, &daemon, 1);
    room.write("allowed_signers", line_of("ann") + "ben@example.com cert-authority ssh-ed25519 AAAA\n");
    refuses(&desk, &daemon, &["certificates are not taken"]);
    room.write("allowed_signers", line_of("ann") + &line_of("ben"));
    fs::set_permissions(room.path("allowed_signers"), fs::Permissions::from_mode(0o664)).unwrap();
    refuses(&desk, &daemon, &["others than its owner can write to"]);
    fs::remove_file(room.path("allowed_signers")).unwrap();
    room.write("elsewhere", line_of("ann") + &line_of("ben"));
    symlink(room.path("elsewhere"), room.path("allowed_signers")).unwrap();
    refuses(&desk, &daemon, &["it is a link"]);
    stop(daemon);
    assert_eq!(serials(&desk), [1, 1]);
}

#[test]
fn what_was_in_force_stays_over_a_restart_and_nothing_else_takes_its_place() {
    let (desk, daemon) = in_force();
    let room = &desk.room;
    stop(daemon);
    room.edit(POLICIES, "mode     = \"enforce\"", "mode     = \"report\"");
    let daemon = run(room);
    let seen = wait_until_it_stands(&daemon, room, "armed");
    assert!(seen["daemon"]["rejected"].to_string().contains("is another than in it"), "{seen:#}");
    stop(daemon);
    assert_eq!((serials(&desk), rejections(&desk)), (vec![1.into()], 1));
    // Another set where the last good one is kept, in its own form.
    let other = asking();
    other.room.edit(POLICIES, "mode     = \"enforce\"", "mode     = \"report\"");
    sign(&other.room, &["ann", "ben"]);
    let running = run(&other.room);
    wait_until_it_stands(&running, &other.room, "watching");
    stop(running);
    for name in ["good-policies", "good-signatures"] {
        room.write(&format!("state/simulated/{name}"), other.room.read(&format!("state/simulated/{name}")));
    }
    let ran = run(room).end();
    ran.says(78, &["are not those that the trail says were in force", "there is no last good set to run instead"]);
}

#[test]
fn where_the_state_is_lost_the_trail_remembers() {
    let (desk, daemon) = in_force();
    let room = &desk.room;
    stop(daemon);
    fs::remove_dir_all(room.path("state/simulated")).unwrap();
    // What was in force needs nobody's signature anew.
    fs::remove_file(room.path("signatures/ben.sig")).unwrap();
    let daemon = run(room);
    wait_until_it_stands(&daemon, room, "armed");
    assert_eq!(serials(&desk), [1]);
    stop(daemon);
    fs::remove_dir_all(room.path("state/simulated")).unwrap();
    room.edit(POLICIES, "title    = \"Deleted user is", "title    = \"A deleted user is");
    sign(room, &["ann"]);
    command(room, &["policy", "verify"]).says(1, &["2 signers needed: what it changes cannot be told"]);
    run(room).end().says(78, &["not-signed"]);
    let old = room.read("signatures/manifest");
    assert!(old.contains("\nserial 2\n"), "{old}");
    command(room, &["policy", "manifest", "--serial", "0"]).says(64, &["serial"]);
    sign(room, &["ann", "ben"]);
    let daemon = run(room);
    wait_until_it_stands(&daemon, room, "armed");
    stop(daemon);
    assert_eq!(serials(&desk), [1, 2]);
}

#[test]
fn signatures_that_are_no_longer_asked_for_are_told_as_what_weakens() {
    let (desk, daemon) = in_force();
    let room = &desk.room;
    room.edit("evictd.toml", "signatures = {", "# signatures = {");
    daemon.signal("HUP");
    let told = poll(|| desk.trail().into_iter().filter(|one| one["kind"] == "config.loaded").nth(1));
    let told = told.unwrap_or_else(|| panic!("{}", daemon.said()));
    assert_eq!((&told["class"], &told["changes"][0]["name"]), (&"weakens".into(), &"signatures".into()), "{told:#}");
    wait_until_it_says(&daemon, "reloaded");
    stop(daemon);
}
