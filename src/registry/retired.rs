//! Python factories that are no longer what they were.

/// What became of a Python factory in the project that had it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retired {
    /// What became of it, in words that follow its name: "was removed from keystonemiddleware
    /// 12.0.0".
    pub how: &'static str,
    /// The factory that took its place; none if there is none.
    pub successor: Option<&'static str>,
}

impl Retired {
    /// What became of it, told of `who`, which stands for it: a sentence without a full stop.
    pub fn told_of(&self, who: &str) -> String {
        let Self { how, successor } = self;
        match successor {
            Some(successor) => format!("{who} {how}; its successor is `{successor}`"),
            None => format!("{who} {how}; it has no successor"),
        }
    }
}
