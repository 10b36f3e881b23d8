//! What is decided, event by event.

use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

use super::{Action, Change, Fleet, Id, Post, State, Word};

const SECOND: Duration = Duration::from_secs(1);

fn spawn(id: u64, slot: usize, generation: u32) -> Action {
    Action::Spawn(Id(id), Post { slot, generation })
}

fn tell(id: u64, word: Word) -> Action {
    Action::Tell(Id(id), word)
}

/// Two workers that accept connections.
fn two(now: Instant) -> Fleet {
    let mut fleet = Fleet::start(2, Some(60 * SECOND), now);
    assert_eq!(fleet.actions(), [spawn(0, 0, 1), spawn(1, 1, 1)]);
    fleet.is_ready(Id(0), now);
    assert_eq!(fleet.actions(), []);
    fleet.is_ready(Id(1), now);
    assert_eq!(fleet.actions(), [Action::Ready]);
    fleet
}

#[test]
fn a_worker_that_ends_is_replaced_at_once_in_its_place() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.has_ended(Id(1), now + 5 * SECOND);
    assert_eq!(fleet.actions(), [spawn(2, 1, 1)]);
    assert!(!fleet.is_whole());
    fleet.is_ready(Id(2), now + 5 * SECOND);
    assert_eq!(fleet.actions(), [], "it was told once that all are ready");
    assert!(fleet.is_whole());
}

#[test]
fn one_that_ends_again_and_again_is_replaced_after_a_pause() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.has_ended(Id(1), now);
    assert_eq!(fleet.actions(), [spawn(2, 1, 1)]);
    fleet.has_ended(Id(2), now);
    assert_eq!(fleet.actions(), [Action::Cover(Id(0), 1)]);
    let due = fleet.due().unwrap();
    assert_eq!(due, now + SECOND / 10);
    fleet.tick(due);
    assert_eq!(fleet.actions(), [spawn(3, 1, 1)]);
    fleet.is_ready(Id(3), due);
    assert_eq!(fleet.actions(), [Action::Uncover(Id(0), 1)]);
}

#[test]
fn who_serves_and_has_been_silent_does_not_answer() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.heard(Id(0), now + SECOND);
    assert!(fleet.answers(now + 5 * SECOND), "one of them does");
    assert!(!fleet.answers(now + 6 * SECOND));
    fleet.stop(now + 6 * SECOND);
    fleet.heard(Id(0), now + 6 * SECOND);
    assert!(fleet.answers(now + 7 * SECOND), "it finishes what has begun");
}

#[test]
fn an_empty_place_is_covered_by_whoever_serves() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.has_ended(Id(1), now);
    fleet.has_ended(Id(2), now);
    assert_eq!(fleet.actions(), [spawn(2, 1, 1), Action::Cover(Id(0), 1)]);
    fleet.has_ended(Id(0), now);
    assert_eq!(fleet.actions(), [spawn(3, 0, 1)], "nobody is left to cover it");
    fleet.tick(now + SECOND / 10);
    assert_eq!(fleet.actions(), [spawn(4, 1, 1)]);
    fleet.has_ended(Id(4), now + SECOND / 10);
    fleet.is_ready(Id(3), now + SECOND / 10);
    assert_eq!(fleet.actions(), [Action::Cover(Id(3), 1)]);
    fleet.stop(now + SECOND / 10);
    fleet.has_ended(Id(3), now + SECOND / 10);
    assert_eq!(fleet.actions(), [tell(3, Word::Leave)]);
}

#[test]
fn an_empty_place_is_covered_by_another_when_its_cover_is_one_too_many() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.has_ended(Id(0), now);
    fleet.is_ready(Id(2), now);
    fleet.grow(now);
    fleet.is_ready(Id(3), now);
    fleet.has_ended(Id(2), now);
    let covers = [spawn(2, 0, 1), spawn(3, 2, 1), Action::Cover(Id(1), 0)];
    assert_eq!(fleet.actions(), covers);
    fleet.shrink(now);
    assert_eq!(fleet.actions(), [tell(3, Word::Leave)], "the cover stays");
    fleet.grow(now);
    fleet.is_ready(Id(4), now);
    fleet.has_ended(Id(1), now);
    fleet.is_ready(Id(5), now);
    let covers = [spawn(4, 2, 1), spawn(5, 1, 1), Action::Cover(Id(4), 0)];
    assert_eq!(fleet.actions(), covers);
    fleet.shrink(now);
    assert_eq!(fleet.actions(), [tell(4, Word::Leave), Action::Cover(Id(5), 0)]);
}

#[test]
fn one_that_is_silent_is_killed_once_and_replaced() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.heard(Id(0), now + 9 * SECOND);
    let due = fleet.due().unwrap();
    assert_eq!(due, now + 10 * SECOND);
    fleet.tick(due);
    assert_eq!(fleet.actions(), [Action::Kill(Id(1), "it does not answer")]);
    fleet.tick(due);
    assert_eq!(fleet.actions(), []);
    fleet.has_ended(Id(1), due);
    assert_eq!(fleet.actions(), [spawn(2, 1, 1)]);
}

#[test]
fn nobody_is_blamed_for_a_time_in_which_the_machine_stood_still() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.tick(now + 3600 * SECOND);
    assert_eq!(fleet.actions(), []);
    assert_eq!(fleet.due(), Some(now + 3610 * SECOND));
}

#[test]
fn all_prepare_before_any_commits() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.change_in_place(now);
    assert_eq!(fleet.actions(), [tell(0, Word::Prepare(1)), tell(1, Word::Prepare(1))]);
    fleet.has_prepared(Id(1), 1);
    assert_eq!(fleet.actions(), []);
    fleet.has_prepared(Id(0), 1);
    let commit = [Action::Commit, tell(0, Word::Commit(1)), tell(1, Word::Commit(1))];
    assert_eq!(fleet.actions(), commit);
    fleet.has_committed(Id(0), 1);
    assert_eq!(fleet.actions(), []);
    fleet.has_committed(Id(1), 1);
    assert_eq!(fleet.actions(), [Action::Settle(Ok(()))]);
    assert!(matches!(fleet.change, Change::None));
}

#[test]
fn one_that_cannot_prepare_stops_it_for_all() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.change_in_place(now);
    fleet.actions();
    fleet.has_prepared(Id(0), 1);
    fleet.has_refused(Id(1), 1, ("no room", now));
    let abort = [tell(0, Word::Abort(1)), tell(1, Word::Abort(1))];
    let settled = Action::Settle(Err("no room".to_owned()));
    assert_eq!(fleet.actions(), abort.into_iter().chain([settled]).collect::<Vec<_>>());
    fleet.has_prepared(Id(0), 1);
    assert_eq!(fleet.actions(), [], "a late word changes nothing");
}

#[test]
fn what_is_said_of_an_earlier_change_is_no_answer_to_the_next() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.change_in_place(now);
    fleet.has_refused(Id(1), 1, ("no room", now));
    fleet.change_in_place(now);
    fleet.actions();
    fleet.has_prepared(Id(0), 1);
    fleet.has_prepared(Id(1), 1);
    fleet.has_refused(Id(1), 1, ("still no room", now));
    assert_eq!(fleet.actions(), []);
    fleet.has_prepared(Id(0), 2);
    fleet.has_prepared(Id(1), 2);
    let commit = [Action::Commit, tell(0, Word::Commit(2)), tell(1, Word::Commit(2))];
    assert_eq!(fleet.actions(), commit);
    fleet.has_committed(Id(0), 1);
    fleet.has_committed(Id(1), 2);
    assert_eq!(fleet.actions(), []);
}

#[test]
fn nothing_comes_into_force_while_no_worker_serves() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.has_ended(Id(0), now);
    fleet.has_ended(Id(1), now);
    fleet.change_in_place(now);
    fleet.actions();
    fleet.has_prepared(Id(2), 1);
    fleet.has_prepared(Id(3), 1);
    assert_eq!(fleet.actions(), [], "both have yet to serve");
    fleet.cannot_start(Id(3), "no descriptor", now);
    let settled = Action::Settle(Err("no descriptor".to_owned()));
    assert!(fleet.actions().contains(&settled));
    fleet.change_in_place(now);
    fleet.has_prepared(Id(2), 2);
    fleet.has_ended(Id(3), now);
    assert!(!fleet.actions().contains(&Action::Commit));
    fleet.is_ready(Id(2), now);
    assert!(fleet.actions().contains(&tell(2, Word::Commit(2))));
}

#[test]
fn a_change_that_no_worker_is_there_for_is_given_up_in_time() {
    let now = Instant::now();
    let mut fleet = two(now);
    for id in 0..4 {
        fleet.has_ended(Id(id), now);
    }
    fleet.change_in_place(now);
    let late = now + 60 * SECOND;
    fleet.tick(late);
    let settled = Action::Settle(Err("no worker serves".to_owned()));
    assert!(fleet.actions().contains(&settled));
}

/// Has workers end in the first place, one after another, the pauses between them passed.
fn end_in_a_row(fleet: &mut Fleet, ids: Range<u64>, mut now: Instant) {
    for id in ids {
        fleet.has_ended(Id(id), now);
        now = fleet.due().unwrap_or(now).max(now);
        fleet.tick(now);
    }
}

#[test]
fn a_start_fails_when_as_many_have_ended_in_a_row_as_may() {
    let now = Instant::now();
    let mut fleet = Fleet::start(1, None, now);
    end_in_a_row(&mut fleet, 0..4, now);
    assert!(!fleet.has_failed_to_start(), "the next one may serve");
    end_in_a_row(&mut fleet, 4..5, now);
    assert!(fleet.has_failed_to_start());
}

#[test]
fn a_start_does_not_fail_where_one_has_served_between_those_that_ended() {
    let now = Instant::now();
    let mut fleet = Fleet::start(2, None, now);
    fleet.has_ended(Id(0), now);
    fleet.is_ready(Id(2), now);
    fleet.has_ended(Id(2), now + SECOND);
    end_in_a_row(&mut fleet, 3..7, now + SECOND);
    assert!(!fleet.has_failed_to_start());
}

#[test]
fn nothing_is_given_up_any_more_once_all_were_ready() {
    let now = Instant::now();
    let mut fleet = Fleet::start(1, None, now);
    end_in_a_row(&mut fleet, 0..4, now);
    fleet.is_ready(Id(4), now);
    end_in_a_row(&mut fleet, 4..12, now);
    assert!(!fleet.has_failed_to_start());
}

#[test]
fn one_that_cannot_start_while_others_prepare_is_replaced() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.has_ended(Id(1), now);
    fleet.change_in_place(now);
    fleet.actions();
    fleet.cannot_start(Id(2), "no descriptor", now);
    let expected = [
        tell(0, Word::Abort(1)),
        tell(2, Word::Abort(1)),
        Action::Settle(Err("no descriptor".to_owned())),
        Action::Kill(Id(2), "it cannot start"),
    ];
    assert_eq!(fleet.actions(), expected);
    fleet.has_ended(Id(2), now);
    fleet.tick(fleet.due().unwrap());
    assert!(fleet.actions().contains(&spawn(3, 1, 1)));
}

#[test]
fn one_of_a_new_generation_that_cannot_start_is_killed_once() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.replace(1, now);
    fleet.actions();
    fleet.cannot_start(Id(2), "no descriptor", now);
    let settled = Action::Settle(Err("no descriptor".to_owned()));
    let kill = Action::Kill(Id(2), "its generation is given up");
    assert_eq!(fleet.actions(), [kill, settled]);
}

#[test]
fn one_that_leaves_early_is_followed_at_once_and_has_its_time() {
    let now = Instant::now();
    let mut fleet = two(now);
    let later = now + 5 * SECOND;
    fleet.heard(Id(0), later);
    fleet.heard(Id(1), later);
    fleet.change_in_place(later);
    fleet.has_prepared(Id(0), 1);
    fleet.actions();
    assert!(fleet.leaves_early(Id(1), later), "another takes its place");
    assert!(!fleet.leaves_early(Id(1), later), "it has one already");
    assert_eq!(fleet.actions(), [spawn(2, 1, 1), tell(2, Word::Prepare(1))]);
    assert!(!fleet.is_whole());
    fleet.has_prepared(Id(2), 1);
    let commit = [Action::Commit, tell(0, Word::Commit(1)), tell(2, Word::Commit(1))];
    assert_eq!(fleet.actions(), commit, "who leaves changes nothing any more");
    let late = later + 60 * SECOND;
    (0..3).for_each(|id| fleet.heard(Id(id), late));
    fleet.tick(late);
    assert_eq!(fleet.actions(), [tell(1, Word::Cut("it has not finished in time"))]);
    assert!(!fleet.has_ended(Id(1), late), "its place is taken");
    assert_eq!(fleet.actions(), []);
}

#[test]
fn the_time_in_which_it_starts_does_not_count_as_served() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.has_ended(Id(1), now);
    let ready = now + 3 * SECOND;
    fleet.is_ready(Id(2), ready);
    fleet.actions();
    fleet.has_ended(Id(2), ready);
    assert!(!fleet.actions().contains(&spawn(3, 1, 1)), "it has not served");
    assert_eq!(fleet.due(), Some(ready + SECOND / 10));
}

#[test]
fn one_that_is_born_while_others_prepare_does_so_too() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.change_in_place(now);
    fleet.actions();
    fleet.has_prepared(Id(0), 1);
    fleet.has_ended(Id(1), now);
    assert_eq!(fleet.actions(), [spawn(2, 1, 1), tell(2, Word::Prepare(1))]);
    fleet.has_prepared(Id(2), 1);
    let commit = [Action::Commit, tell(0, Word::Commit(1)), tell(2, Word::Commit(1))];
    assert_eq!(fleet.actions(), commit);
}

#[test]
fn a_new_generation_serves_before_the_old_one_leaves() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.replace(1, now);
    assert_eq!(fleet.actions(), [spawn(2, 0, 2)]);
    fleet.is_ready(Id(2), now);
    let expected =
        [Action::Commit, tell(0, Word::Leave), tell(1, Word::Leave), Action::Settle(Ok(()))];
    assert_eq!(fleet.actions(), expected);
    fleet.has_ended(Id(0), now);
    fleet.has_ended(Id(1), now);
    assert_eq!(fleet.actions(), [], "nobody follows those that have left");
    assert_eq!(fleet.size(), 1);
}

#[test]
fn a_new_generation_that_fails_is_given_up() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.replace(2, now);
    fleet.actions();
    fleet.is_ready(Id(2), now);
    assert!(fleet.has_ended(Id(1), now));
    fleet.actions();
    assert!(!fleet.has_ended(Id(3), now), "nobody follows one that is to come");
    let reason = "a worker of the new generation has ended before all were ready";
    let expected = [tell(2, Word::Leave), Action::Settle(Err(reason.to_owned()))];
    assert_eq!(fleet.actions(), expected);
    fleet.has_ended(Id(2), now);
    assert_eq!(fleet.actions(), []);
    fleet.replace(1, now);
    assert_eq!(fleet.actions(), [spawn(5, 0, 3)], "its number is not used again");
}

#[test]
fn stopping_waits_for_all_and_ends_those_that_are_late() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.stop(now);
    assert_eq!(fleet.actions(), [tell(0, Word::Leave), tell(1, Word::Leave)]);
    fleet.has_ended(Id(0), now);
    assert_eq!(fleet.actions(), []);
    assert_eq!(fleet.outcome(), None);
    (0..60).for_each(|seconds| fleet.heard(Id(1), now + seconds * SECOND));
    assert_eq!(fleet.due(), Some(now + 60 * SECOND));
    fleet.tick(now + 60 * SECOND);
    assert_eq!(fleet.actions(), [tell(1, Word::Cut("it has not finished in time"))]);
    assert_eq!(fleet.due(), Some(now + 61 * SECOND), "it has a second for its last words");
    fleet.tick(now + 61 * SECOND);
    assert_eq!(fleet.actions(), [Action::Kill(Id(1), "it does not end at once")]);
    fleet.has_ended(Id(1), now + 61 * SECOND);
    assert_eq!(fleet.outcome(), Some(false));
}

#[test]
fn at_a_second_signal_all_end_at_once_and_at_a_third_they_are_killed() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.stop(now);
    fleet.actions();
    fleet.has_ended(Id(0), now);
    fleet.stop_at_once(now);
    assert_eq!(fleet.actions(), [tell(1, Word::Cut("the server stops"))]);
    fleet.stop_at_once(now);
    assert_eq!(fleet.actions(), [Action::Kill(Id(1), "it does not end at once")]);
    fleet.has_ended(Id(1), now);
    assert_eq!(fleet.outcome(), Some(false));
}

#[test]
fn stopping_ends_well_if_all_are_done_in_time() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.stop(now);
    fleet.has_ended(Id(0), now);
    fleet.has_ended(Id(1), now);
    assert_eq!(fleet.outcome(), Some(true));
}

#[test]
fn grows_and_shrinks_by_one_and_keeps_the_last() {
    let now = Instant::now();
    let mut fleet = two(now);
    fleet.grow(now);
    assert_eq!(fleet.actions(), [spawn(2, 2, 1)]);
    fleet.shrink(now);
    assert_eq!(fleet.actions(), [tell(2, Word::Leave)]);
    fleet.shrink(now);
    fleet.shrink(now);
    assert_eq!(fleet.actions(), [tell(1, Word::Leave)]);
    let leaving = |worker: &super::Worker| matches!(worker.state, State::Leaving(Some(_)));
    assert_eq!(fleet.workers().filter(|(_, worker)| leaving(worker)).count(), 2);
    assert_eq!(fleet.size(), 1);
}
