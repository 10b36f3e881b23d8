//! Up to when rates are used up, within a fixed bound of memory and time.

use std::hash::{BuildHasher, Hash, RandomState};

use tokio::time::Instant;

/// How many groups of keys there are.
const GROUPS: usize = 8192;

/// How many keys a group has at most.
const PLACES: usize = 8;

/// Up to when each key has used up its rate. Keys are known by hashes that nobody outside can
/// guess. A key goes into the group that its hash says; where that is full, the one in it which has
/// the least to wait for is forgotten, and so has its whole rate again.
pub(super) struct Tracks {
    groups: Box<[Vec<Track>]>,
    hashes: RandomState,
}

struct Track {
    key: u64,
    used_up: Instant,
}

impl Default for Tracks {
    fn default() -> Self {
        let groups = std::iter::repeat_with(Vec::new).take(GROUPS).collect();
        Self { groups, hashes: RandomState::new() }
    }
}

impl Tracks {
    /// Up to when a key has used up its rate; now, for one that is new.
    pub(super) fn of(&mut self, key: impl Hash, now: Instant) -> &mut Instant {
        let key = self.hashes.hash_one(key);
        let (groups, number) = (GROUPS as u64, |at: u64| usize::try_from(at).unwrap_or_default());
        let group = &mut self.groups[number(key % groups)];
        let place = group.iter().position(|track| track.key == key).unwrap_or_else(|| {
            let track = Track { key, used_up: now };
            if group.len() < PLACES {
                group.push(track);
                return group.len() - 1;
            }
            let places = group.iter().enumerate();
            let least = places.min_by_key(|(_, track)| track.used_up);
            let place = least.map_or(0, |(place, _)| place);
            group[place] = track;
            place
        });
        &mut group[place].used_up
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_key_keeps_its_time() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        let later = now + Duration::from_secs(9);
        *tracks.of("a", now) = later;
        assert_eq!(*tracks.of("a", now), later);
        assert_eq!(*tracks.of("b", now), now);
    }

    #[test]
    fn however_many_keys_there_are_only_so_many_are_kept() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        let long = now + Duration::from_secs(1000);
        *tracks.of("who waits", now) = long;
        for key in 0..10 * GROUPS * PLACES {
            *tracks.of(key, now) += Duration::from_secs(1);
        }
        let kept: usize = tracks.groups.iter().map(Vec::len).sum();
        assert!(kept <= GROUPS * PLACES, "{kept}");
        assert_eq!(*tracks.of("who waits", now), long, "it has the most to wait for");
    }
}
