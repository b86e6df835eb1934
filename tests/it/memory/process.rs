//! A process that runs one cycle after the other: it keeps its trail open and remembers, as the daemon's post does. What
//! it learns outlives it in a file, where it was given one.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use evictd::address::Lists;
use evictd::chronicle::{Asked, Chronicle};
use evictd::cycle::{self, Books, Cycle, Halt, Setting};
use evictd::enforce::settle;
use evictd::gather::{Known, ListRead};
use evictd::model::{CycleId, Memory};
use evictd::state::{Sqlite, State};
use evictd::trail::Trail;
use evictd::zendesk::Zendesk;

use crate::enforcement::Stage;

static CYCLES: AtomicU64 = AtomicU64::new(0);

pub struct Process {
    zendesk: Zendesk,
    trail: Trail,
    chronicle: Chronicle,
    state: Option<Sqlite>,
    pub memory: Memory,
}

impl Process {
    /// One that knows nothing and leaves nothing.
    pub fn start(stage: &Stage) -> Self {
        let (trail, past) = stage.open();
        let last = past.last_cycle.and_then(|last| last.finished.now.parse().ok());
        let (zendesk, chronicle) = (stage.zendesk(), Chronicle::since(last));
        Self { zendesk, trail, chronicle, state: None, memory: Memory::default() }
    }

    /// One that goes on with what the file holds, and leaves there what it learns.
    pub fn with_file(stage: &Stage, file: &Path) -> Self {
        let state = Sqlite::open(file).unwrap();
        let memory = state.load(&stage.account.name).unwrap();
        Self { state: Some(state), memory, ..Self::start(stage) }
    }

    /// It ends, and another one takes its place.
    pub fn restarted(self, stage: &Stage, file: &Path) -> Self {
        let remembered = self.memory.clone();
        drop(self);
        let next = Self::with_file(stage, file);
        assert_eq!(next.memory, remembered, "what was learned is what is found again");
        next
    }

    /// Settles what earlier cycles left open; how much stays so.
    pub async fn settle(&mut self) -> usize {
        settle(self.trail.past().open_intents, &self.zendesk, &mut self.trail).await.unwrap()
    }

    pub fn open_intents(&self) -> usize {
        self.trail.past().open_intents.len()
    }

    /// One cycle, with these lists as they are read right before it.
    pub async fn cycle(&mut self, stage: &Stage, mut lists: Vec<ListRead>) -> Result<Cycle, Halt> {
        let past = self.trail.past();
        for one in &mut lists {
            one.last = past.offboarding.get(&one.list.name).cloned();
        }
        let number = CYCLES.fetch_add(1, Ordering::Relaxed);
        let known = Known {
            history: past.history,
            scope: stage.policies.scope(stage.account.scope),
            lists,
            ..Known::first(CycleId::new(format!("01900000-0000-7000-9000-{number:012}")), &self.memory)
        };
        let named = Lists::of(&stage.policies.lists);
        let setting = Setting {
            account: &stage.account,
            policies: &stage.policies,
            lists: &named,
            zendesk: &self.zendesk,
            clock: &*stage.clock,
            brakes: &*stage.brake,
        };
        let books =
            Books { trail: &mut self.trail, chronicle: &mut self.chronicle, missed: 0, asked: Asked::default() };
        let cycle = cycle::run(setting, known, books, &mut |_| ()).await?;
        if let Some(state) = &mut self.state {
            state.save(&stage.account.name, &cycle.lesson).unwrap();
        }
        self.memory.learn(cycle.lesson.clone());
        Ok(cycle)
    }
}
