//! Sweeps that last longer than evidence stays young: what a list says is as old as its last reading.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evictd::simulator::{Effect, Script};
use evictd::zendesk::Method;

use super::rows::text;
use super::{By, Firm, Row, Size};
use crate::enforcement::user;

const LISTING: &str = "/api/v2/users/{id}/sessions";

fn write(file: &Path, rows: &[Row]) {
    fs::write(file, text(rows)).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

/// A sweep of more than ten minutes over people of whom one is listed: who is withheld by which belt, and whether the
/// listed one is still signed in. Meanwhile the list's file may come to say what these rows say.
async fn sweep(meanwhile: Option<Vec<Row>>) -> (Vec<(u64, String)>, bool) {
    let mut firm = Firm::new(4, "staff", Size { staff: 40, customers: 0 });
    firm.rows = vec![Row::of(2, By::Id, "always", firm.stage.now())];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hr.csv");
    write(&file, &firm.rows);
    let mut lists = firm.list();
    lists[0].list.file.clone_from(&file);
    firm.stage.script(Script::on(Method::Get, LISTING, Effect::Slow(Duration::from_secs(25))).times(u32::MAX));
    if let Some(rows) = meanwhile {
        let change = Effect::Alter(Arc::new(move |_| write(&file, &rows)));
        firm.stage.script(Script::on(Method::Get, LISTING, change).after(20));
    }
    let began = firm.stage.now();
    let cycle = firm.process().cycle(&firm.stage, lists).await.unwrap();
    assert!(began.duration_until(firm.stage.now()).as_mins() > 10, "the sweep was short");
    let withheld = cycle.report.withheld.iter().map(|row| (row.user.get(), row.belt.clone())).collect();
    (withheld, firm.change(|world| world.sessions_of(user(2)).next().is_some()))
}

#[tokio::test]
async fn whom_an_unchanged_list_names_goes_after_a_long_sweep_too() {
    assert_eq!(sweep(None).await, (Vec::new(), false));
}

#[tokio::test]
async fn whom_a_list_named_before_it_changed_in_a_long_sweep_stays_until_the_next() {
    let now = "2026-11-01T00:00:00Z".parse().unwrap();
    let (withheld, is_in) = sweep(Some(vec![Row::of(3, By::Id, "always", now)])).await;
    assert!(is_in && !withheld.is_empty());
    assert!(withheld.iter().all(|row| *row == (2, "evidence-age".to_owned())), "{withheld:?}");
}
