//! How many files a process may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process, and those that it starts, have as many files open as the system grants.
///
/// The limit that holds at the start is often 1024, for the sake of old programs that cannot deal
/// with more; the one up to which anybody may raise it is far higher. Nothing here is made as
/// large as the limit, so that a high one costs nothing. Who wants fewer lowers the upper one
/// (`LimitNOFILE=`).
pub(super) fn allow_most() {
    let limit = getrlimit(Resource::Nofile);
    raise(limit, |limit| Ok(setrlimit(Resource::Nofile, limit)?));
}

fn raise(limit: Rlimit, set: impl FnOnce(Rlimit) -> io::Result<()>) {
    let (now, most) = (told(limit.current), told(limit.maximum));
    if limit.current == limit.maximum {
        tracing::debug!("up to {now} files may be open at a time");
        return;
    }
    match set(Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        Ok(()) => tracing::debug!("up to {most} files may be open at a time, before it was {now}"),
        Err(error) => {
            tracing::warn!("no more than {now} files may be open at a time, not {most}: {error}");
        }
    }
}

fn told(limit: Option<u64>) -> String {
    limit.map_or_else(|| "any number of".to_owned(), |limit| limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for where so many files may be open, and up to so many.
    fn asked(current: Option<u64>, maximum: Option<u64>) -> Option<Rlimit> {
        let mut asked = None;
        raise(Rlimit { current, maximum }, |limit| {
            asked = Some(limit);
            Err(io::ErrorKind::PermissionDenied.into())
        });
        asked
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_may() {
        let all = |maximum| Some(Rlimit { current: maximum, maximum });
        assert_eq!(asked(Some(1024), Some(65_536)), all(Some(65_536)));
        assert_eq!(asked(Some(1024), None), all(None));
        assert_eq!(asked(Some(1024), Some(1024)), None, "there is no more");
        assert_eq!(asked(None, None), None, "there is no limit");
    }
}
