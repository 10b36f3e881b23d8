//! Which workers there are and what is to be done about them: decisions, without any process.

mod change;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use self::change::Change;
use self::slot::Slot;

/// How long a worker may be silent before it counts as hung.
const SILENCE: Duration = Duration::from_secs(10);

/// How late a look at the clock shows that this process itself was stopped, as a virtual machine
/// is now and then: nobody is blamed for the silence of that time.
const STOPPED: Duration = Duration::from_secs(3);

/// The number of a process, never used again.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Id(pub(super) u64);

/// What is to be done.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// What is being changed is in force from now on: workers that start have it.
    Commit,
    /// Have a worker accept connections at the sockets of a place that is empty for a while.
    Cover(Id, usize),
    /// End a process at once, for a reason.
    Kill(Id, &'static str),
    /// All workers accept connections, for the first time.
    Ready,
    /// The change has ended, well or not.
    Settle(Result<(), String>),
    /// Start the process of a worker.
    Spawn(Id, Post),
    /// Tell a worker something.
    Tell(Id, Word),
    /// Have a worker leave the sockets of a place to the worker that is in it again.
    Uncover(Id, usize),
}

/// Which place a worker takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Post {
    /// The number of the worker, from 0, which its successor has too.
    pub(super) slot: usize,
    /// The settings of which generation it serves by.
    pub(super) generation: u32,
}

/// What a worker is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Word {
    /// Forget what you have prepared for a change.
    Abort(u64),
    /// Serve by what you have prepared for a change.
    Commit(u64),
    /// End when what has begun is finished.
    Leave,
    /// Load, check and build what is to come by a change.
    Prepare(u64),
}

/// What a worker is at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// It ends, and has until then if that is limited.
    Leaving(Option<Instant>),
    /// It accepts connections.
    Serving,
    /// It loads, checks and builds.
    Starting,
}

impl State {
    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Leaving(_) => "leaving",
            Self::Serving => "serving",
            Self::Starting => "starting",
        }
    }
}

/// A process.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) post: Post,
    pub(super) state: State,
    /// When it was started, or has begun to serve.
    since: Instant,
    heard: Instant,
}

/// The workers of a server. It decides; who drives it performs its [`actions`](Self::actions).
#[derive(Debug)]
pub(super) struct Fleet {
    workers: BTreeMap<Id, Worker>,
    /// The places of the generation in force.
    slots: Vec<Slot>,
    generation: u32,
    /// The youngest generation that there ever was.
    youngest: u32,
    change: Change,
    /// The number of the last change in place, which what is said about it carries: what is late
    /// is not taken for an answer to the next one.
    changes: u64,
    /// How long workers may take to end; none for ever.
    patience: Option<Duration>,
    ready: bool,
    stopping: bool,
    /// Whether something was cut off when the server stopped.
    cut: bool,
    actions: Vec<Action>,
    next: u64,
}

impl Fleet {
    /// Starts so many workers, the first generation.
    pub(super) fn start(count: usize, patience: Option<Duration>, now: Instant) -> Self {
        let mut fleet = Self {
            workers: BTreeMap::new(),
            slots: Vec::new(),
            generation: 1,
            youngest: 1,
            change: Change::None,
            changes: 0,
            patience,
            ready: false,
            stopping: false,
            cut: false,
            actions: Vec::new(),
            next: 0,
        };
        (0..count).for_each(|_| fleet.grow(now));
        fleet
    }

    /// What is to be done since this was last asked, in this order.
    pub(super) fn actions(&mut self) -> Vec<Action> {
        mem::take(&mut self.actions)
    }

    /// One worker more.
    pub(super) fn grow(&mut self, now: Instant) {
        self.slots.push(Slot::default());
        self.spawn(self.slots.len() - 1, self.generation, now);
    }

    /// One worker less. The last one stays.
    pub(super) fn shrink(&mut self, now: Instant) {
        if self.slots.len() > 1 {
            let slot = self.slots.pop().unwrap_or_default();
            let uncover = |id| Action::Uncover(id, self.slots.len());
            self.actions.extend(slot.cover.map(uncover));
            let post = Post { slot: self.slots.len(), generation: self.generation };
            self.leave(now, |worker| worker.post == post);
        }
    }

    /// The number of workers that there should be.
    pub(super) fn size(&self) -> usize {
        self.slots.len()
    }

    /// The generation in force.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The workers, the oldest first.
    pub(super) fn workers(&self) -> impl Iterator<Item = (Id, &Worker)> {
        self.workers.iter().map(|(id, worker)| (*id, worker))
    }

    /// Whether every worker that there should be accepts connections.
    pub(super) fn is_whole(&self) -> bool {
        self.serving(self.generation) == self.slots.len()
    }

    /// Whether anything is done by a worker that has been heard of lately: connections are
    /// accepted, or what has begun is finished. One that hangs is replaced in any case; this is
    /// for who replaces the whole server.
    pub(super) fn answers(&self, now: Instant) -> bool {
        self.workers.values().any(|worker| {
            worker.state != State::Starting && now.duration_since(worker.heard) < SILENCE / 2
        })
    }

    /// Grants workers that are told to end from now on so long; for ever if it is none.
    pub(super) fn be_patient(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    fn serving(&self, generation: u32) -> usize {
        let serving = |worker: &&Worker| {
            worker.post.generation == generation && worker.state == State::Serving
        };
        self.workers.values().filter(serving).count()
    }

    /// A worker has been heard of.
    pub(super) fn heard(&mut self, id: Id, now: Instant) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.heard = now;
        }
    }

    /// A worker accepts connections.
    pub(super) fn is_ready(&mut self, id: Id, now: Instant) {
        if let Some(worker) = self.workers.get_mut(&id)
            && worker.state == State::Starting
        {
            worker.state = State::Serving;
            worker.since = now;
            self.try_replace(now);
            if !self.ready && self.is_whole() {
                self.ready = true;
                self.actions.push(Action::Ready);
            }
            self.cover();
        }
    }

    /// A worker has ended. One whose place is still wanted has a successor: at once, unless it is
    /// one of several that have not lived long.
    pub(super) fn has_ended(&mut self, id: Id, now: Instant) {
        let Some(worker) = self.workers.remove(&id) else { return };
        if !matches!(worker.state, State::Leaving(_)) {
            self.is_missed(&worker, now);
        }
        self.no_longer_awaits(id);
        self.cover();
    }

    /// A worker accepts no connections any more, as somebody has told it to end, and finishes
    /// what has begun. Another one takes its place at once.
    pub(super) fn leaves_early(&mut self, id: Id, now: Instant) {
        let until = self.patience.map(|patience| now + patience);
        let Some(worker) = self.workers.get_mut(&id) else { return };
        let before = mem::replace(&mut worker.state, State::Leaving(until));
        if let State::Leaving(until) = before {
            worker.state = State::Leaving(until);
            return;
        }
        let missed = Worker { state: before, ..*worker };
        self.is_missed(&missed, now);
        self.no_longer_awaits(id);
        self.cover();
    }

    /// A worker is not there any more that was not told to leave by this.
    fn is_missed(&mut self, worker: &Worker, now: Instant) {
        let Post { slot, generation } = worker.post;
        if self.stopping {
            return;
        }
        if generation == self.generation && slot < self.slots.len() {
            let served = match worker.state {
                State::Serving => now.duration_since(worker.since),
                _ => Duration::ZERO,
            };
            self.slots[slot].worker_ended(served, now);
            self.fill(now);
        } else if generation > self.generation {
            self.give_up("a worker of the new generation has ended before all were ready", now);
        }
    }

    /// Has all workers end when what has begun is finished.
    pub(super) fn stop(&mut self, now: Instant) {
        self.give_up("the server stops", now);
        self.stopping = true;
        self.leave(now, |_| true);
    }

    /// Ends all workers at once.
    pub(super) fn stop_at_once(&mut self, now: Instant) {
        self.stop(now);
        self.cut |= !self.workers.is_empty();
        let kill = |id: &Id| Action::Kill(*id, "the server stops at once");
        self.actions.extend(self.workers.keys().map(kill));
    }

    /// Whether it was stopped and no process is left; then whether all that had begun was
    /// finished.
    pub(super) fn outcome(&self) -> Option<bool> {
        (self.stopping && self.workers.is_empty()).then_some(!self.cut)
    }

    /// When there is something to be done next, if nothing happens before.
    pub(super) fn due(&self) -> Option<Instant> {
        let silent = self.workers.values().map(|worker| worker.heard + SILENCE);
        let leaving = self.workers.values().filter_map(|worker| match worker.state {
            State::Leaving(until) => until,
            _ => None,
        });
        let slots = self.slots.iter().filter_map(|slot| slot.due).filter(|_| !self.stopping);
        silent.chain(leaving).chain(slots).chain(self.change.due()).min()
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.due().is_some_and(|due| now.duration_since(due) > STOPPED) {
            self.workers.values_mut().for_each(|worker| worker.heard = now);
        }
        for (id, worker) in &mut self.workers {
            let is_late = matches!(worker.state, State::Leaving(Some(until)) if until <= now);
            if is_late {
                self.cut |= self.stopping;
                worker.state = State::Leaving(None);
                self.actions.push(Action::Kill(*id, "it has not finished in time"));
            } else if worker.heard + SILENCE <= now {
                // It is heard of once more: when it has ended.
                worker.heard = now;
                self.actions.push(Action::Kill(*id, "it does not answer"));
            }
        }
        if self.change.due().is_some_and(|due| due <= now) {
            self.give_up("it takes the workers too long", now);
        }
        self.fill(now);
    }

    /// Starts a worker for each place whose time has come.
    fn fill(&mut self, now: Instant) {
        if self.stopping {
            return;
        }
        for slot in 0..self.slots.len() {
            if self.slots[slot].due.is_some_and(|due| due <= now) {
                self.slots[slot].due = None;
                self.spawn(slot, self.generation, now);
            }
        }
    }

    /// Has others accept the connections of places that are empty for a while, as the system goes
    /// on to put some into their queues, until somebody is in them again.
    fn cover(&mut self) {
        let in_force = |worker: &Worker| {
            worker.post.generation == self.generation && worker.state == State::Serving
        };
        let serving: BTreeMap<_, _> = self
            .workers
            .iter()
            .filter(|(_, worker)| !self.stopping && in_force(worker))
            .map(|(id, worker)| (*id, worker.post.slot))
            .collect();
        for (number, slot) in self.slots.iter_mut().enumerate() {
            let cover = slot.cover.filter(|id| serving.contains_key(id));
            let is_taken = serving.values().any(|taken| *taken == number);
            if is_taken {
                slot.cover = None;
                self.actions.extend(cover.map(|id| Action::Uncover(id, number)));
            } else if cover.is_none() && (slot.due.is_some() || slot.cover.is_some()) {
                slot.cover = serving.keys().next().copied();
                self.actions.extend(slot.cover.map(|id| Action::Cover(id, number)));
            }
        }
    }

    fn spawn(&mut self, slot: usize, generation: u32, now: Instant) {
        let (id, post) = (Id(self.next), Post { slot, generation });
        self.next += 1;
        let worker = Worker { post, state: State::Starting, since: now, heard: now };
        self.workers.insert(id, worker);
        self.actions.push(Action::Spawn(id, post));
        self.joins(id);
    }

    /// Has workers end when what has begun is finished.
    fn leave(&mut self, now: Instant, which: impl Fn(&Worker) -> bool) {
        let until = self.patience.map(|patience| now + patience);
        for (id, worker) in self.workers.iter_mut().filter(|(_, worker)| which(worker)) {
            if !matches!(worker.state, State::Leaving(_)) {
                worker.state = State::Leaving(until);
                self.actions.push(Action::Tell(*id, Word::Leave));
            }
        }
    }
}
