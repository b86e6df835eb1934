//! `evictd selftest`: ends the newest session of one agreed person, from end to end, and says what took how long.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use super::account::brakes;
use super::apply::until_done;
use super::control::{ask_daemon, exit_code, exit_of};
use super::load::{Loaded, connect, load, policies_in_force, setup_of};
use super::loader::keep_in_force;
use super::screen::Screen;
use super::{Exit, Failure, Format, Where};
use crate::clock::{Clock as _, SystemChance, SystemClock};
use crate::control::{Answer, Caller, Command, own_name};
use crate::daemon::{Post, Stop};
use crate::model::human_duration;

#[derive(Debug, Args)]
pub(super) struct SelftestArgs {
    #[command(flatten)]
    place: Where,
    /// Whose session ends, by e-mail or id; `selftest.user` of the account unless it is given
    #[arg(long, value_name = "CANARY")]
    user: Option<String>,
    /// Which of their sessions, if not the newest
    #[arg(long, value_name = "ID")]
    session: Option<u64>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn run(args: &SelftestArgs, screen: Screen) -> Result<Exit, Failure> {
    let loaded = load(&args.place, screen)?;
    let user = args.user.clone().or_else(|| loaded.account.selftest_user.clone()).ok_or_else(|| {
        Failure::new(Exit::Usage, "it is not said whose session is to end")
            .help("add `--user CANARY`, or write `selftest.user` into the account")
    })?;
    let command = Command::Selftest { user, session: args.session };
    let answered = match ask_daemon(&loaded, &command).await {
        Some(answered) => answered?,
        None => act(&loaded, &command, screen).await?,
    };
    let Answer { exit, document } = answered;
    match args.format {
        Format::Json => screen.json(&document),
        Format::Text => screen.out(&text(&document)),
    }
    if let Some(why) = document.get("why").and_then(Value::as_str) {
        screen.note(why);
    }
    Ok(exit_of(exit))
}

/// Under the account's lock.
async fn act(loaded: &Loaded, command: &Command, screen: Screen) -> Result<Answer, Failure> {
    // The policies in force are those of the account: the trail is told of these, and not of the one rule.
    let zendesk = connect(&loaded.account, true, |ways| ways)?;
    let setup = setup_of(loaded, policies_in_force(loaded, screen)?, zendesk, &Arc::default());
    let mut post = Post::open(&setup, Arc::new(SystemClock), Arc::new(SystemChance))?;
    let who = own_name();
    post.begin(&setup, command.name(), &who)?;
    let (stop, caller) = (Stop::default(), Caller::with_all(who));
    let brakes = brakes(loaded, stop.clone());
    let work = Box::pin(post.obey((&setup, &brakes), (command, &caller, SystemClock.now())));
    let done = until_done(work, &stop, screen).await;
    let closed = post.close(exit_code(&done));
    let answer = done??;
    closed?;
    keep_in_force(Path::new(&*loaded.config.name), &setup);
    Ok(answer)
}

fn text(document: &Value) -> String {
    let word = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let steps = document.get("steps").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let line = |step: &Value| format!("{:<9} {:>7} ms  {}\n", word(step, "step"), word(step, "ms"), word(step, "what"));
    let mut text: String = steps.iter().map(line).collect();
    if document.get("ok").and_then(Value::as_bool) == Some(true) {
        let millis = word(document, "took_ms").parse().unwrap_or_default();
        let total = human_duration(jiff::SignedDuration::from_millis(millis));
        text.push_str(&format!("ok: the session ended, in {total} altogether\n"));
    }
    text
}
