//! The users of a file, and those who gave the right password lately.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::credentials::Credentials;
use super::password::Hash;
use crate::registry::Error;

/// So many who gave the right password are remembered.
const MOST_REMEMBERED: usize = 1024;

/// The users of a file. They never change; a file that has changed makes others.
pub(super) struct Users {
    hashes: HashMap<String, Hash>,
    /// What the password of a user that there is not is hashed for: it must take as long.
    decoy: Option<Hash>,
    cache_time: Duration,
    /// Keyed hashes of names and passwords that were right, and until when that counts.
    remembered: Mutex<HashMap<u128, Instant>>,
    keys: [RandomState; 2],
}

impl Users {
    /// Reads the text of a file: `name:hash` a line.
    ///
    /// # Errors
    ///
    /// Which line is at fault, and what to do.
    pub(super) fn parse(text: &str, path: &Path, cache_time: Duration) -> Result<Self, Error> {
        let mut hashes = HashMap::new();
        let mut decoy: Option<Hash> = None;
        let mut weak = Weak::default();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let path = path.display();
            let (name, hash) = user(line, &path)
                .map_err(|fault| Error::new(format!("`{path}:{number}`: {fault}")))?;
            weak.note(name, &hash);
            // One that takes long is the better decoy.
            if decoy.as_ref().is_none_or(|decoy| decoy.weakness().is_some()) {
                decoy = Some(hash.clone());
            }
            hashes.entry(name.to_owned()).or_insert(hash);
        }
        weak.warn(path);
        let (remembered, keys) = (Mutex::default(), [RandomState::new(), RandomState::new()]);
        Ok(Self { hashes, decoy, cache_time, remembered, keys })
    }

    /// Whether a name and a password were right lately.
    pub(super) fn remembers(&self, credentials: &Credentials) -> bool {
        let until = self.remembered().get(&self.key(credentials)).copied();
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Whether a name and a password are right. It takes long, and as long for a name that there
    /// is not, where all hashes are of one kind and cost, or else no longer safe.
    pub(super) fn verify(&self, credentials: &Credentials) -> bool {
        let (known, decoy) = self.work(&credentials.name);
        let is_of = |hash: &Hash| hash.is_of(&credentials.password);
        let right = known.is_some_and(is_of);
        // What comes of it does not count: it is done for the time that it takes.
        decoy.map(is_of);
        if right {
            self.keep(self.key(credentials));
        }
        right
    }

    /// The hashes that a password is hashed for: that of the user, and the decoy where there is no
    /// such user, or one whose own would take no time.
    fn work(&self, name: &str) -> (Option<&Hash>, Option<&Hash>) {
        let known = self.hashes.get(name);
        let takes_long = known.is_some_and(|hash| hash.weakness().is_none());
        (known, self.decoy.as_ref().filter(|_| !takes_long))
    }

    fn keep(&self, key: u128) {
        let now = Instant::now();
        let mut remembered = self.remembered();
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, until| now < *until);
        }
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, now + self.cache_time);
    }

    /// A number that tells nothing of the password to who does not have the keys.
    fn key(&self, credentials: &Credentials) -> u128 {
        let parts = (&credentials.name, &credentials.password);
        let [high, low] = &self.keys;
        u128::from(high.hash_one(parts)) << 64 | u128::from(low.hash_one(parts))
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<u128, Instant>> {
        // Nothing that holds the lock leaves the map half changed.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Users whose passwords are hashed in a way that is no longer safe.
#[derive(Default)]
struct Weak {
    first: Option<(String, &'static str)>,
    count: usize,
}

impl Weak {
    fn note(&mut self, name: &str, hash: &Hash) {
        if let Some(why) = hash.weakness() {
            self.count += 1;
            self.first.get_or_insert_with(|| (name.to_owned(), why));
        }
    }

    /// Warns of all of them in one line.
    fn warn(self, path: &Path) {
        let Some((name, why)) = self.first else { return };
        let path = path.display();
        tracing::warn!(
            users = self.count,
            "the password of `{name}` is {why}; hash it anew with `htpasswd -B {path} {name}`"
        );
    }
}

/// The name and the hash of a line, or what is wrong with it.
fn user<'a>(line: &'a str, path: &impl std::fmt::Display) -> Result<(&'a str, Hash), String> {
    let (name, hash) = line.split_once(':').ok_or("expected `name:hash`")?;
    if name.is_empty() || HeaderValue::from_bytes(name.as_bytes()).is_err() {
        return Err("the name cannot stand in a header".to_owned());
    }
    let hash = Hash::parse(hash).map_err(|fault| {
        let cure = format!("hash it anew with `htpasswd -B {path} {name}`");
        format!("the password of `{name}` is {fault}; {cure}")
    })?;
    Ok((name, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::filters::basic_auth::password::tests::{ALICE, BUILDER, OLD};
    use crate::builtin::fixture::logged;

    fn users(text: &str) -> Result<Users, String> {
        let parsed = Users::parse(text, Path::new("users"), Duration::from_secs(60));
        parsed.map_err(|error| error.to_string())
    }

    fn credentials(name: &str, password: &str) -> Credentials {
        Credentials { name: name.to_owned(), password: password.as_bytes().to_vec() }
    }

    #[test]
    fn knows_the_users_of_a_file() {
        let users = users(&format!("# people\n\n alice:{ALICE} \nbob:{BUILDER}\r\n")).unwrap();
        assert!(users.verify(&credentials("alice", "wonderland")));
        assert!(users.verify(&credentials("bob", "builder")));
        for (name, password) in
            [("bob", "wonderland"), ("eve", "wonderland"), ("Alice", "wonderland")]
        {
            assert!(!users.verify(&credentials(name, password)), "{name}");
        }
    }

    #[test]
    fn nobody_passes_without_users() {
        assert!(!users("").unwrap().verify(&credentials("", "")));
    }

    #[test]
    fn a_name_that_there_is_not_takes_as_long() {
        let users = users(&format!("carol:{OLD}\nalice:{ALICE}\n")).unwrap();
        let is_long = |hash: Option<&Hash>| hash.map(|hash| hash.weakness().is_none());
        for (name, expected) in [
            ("alice", (Some(true), None)),
            ("carol", (Some(false), Some(true))),
            ("eve", (None, Some(true))),
        ] {
            let (known, decoy) = users.work(name);
            assert_eq!((is_long(known), is_long(decoy)), expected, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_right_is_remembered_for_a_time() {
        let users = users(&format!("alice:{ALICE}")).unwrap();
        let right = credentials("alice", "wonderland");
        assert!(!users.remembers(&right));
        assert!(users.verify(&right) && !users.verify(&credentials("alice", "wrong")));
        assert!(users.remembers(&right) && !users.remembers(&credentials("alice", "wrong")));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(!users.remembers(&right));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let users = users("").unwrap();
        (0..5000).for_each(|key| users.keep(key));
        assert!(users.remembered().len() <= MOST_REMEMBERED);
    }

    #[tokio::test]
    async fn old_hashes_work_and_are_warned_of() {
        let text = format!("carol:{OLD}\ndave:{OLD}\nalice:{ALICE}");
        let lines = logged(async || {
            let users = users(&text).unwrap();
            assert!(users.verify(&credentials("carol", "lemon")));
            assert!(!users.verify(&credentials("carol", "lemo")));
            assert!(users.decoy.is_some_and(|decoy| decoy.weakness().is_none()));
        });
        let lines = lines.await;
        let warning = "the password of `carol` is hashed with MD5, which is broken; hash it anew \
            with `htpasswd -B users carol` users=2";
        assert!(lines[0].contains("WARN") && lines[0].ends_with(warning), "{lines:?}");
    }

    #[test]
    fn says_which_line_is_at_fault_and_the_cure() {
        let fault = |text: &str| users(text).err().unwrap();
        let expected = "`users:2`: the password of `bob` is hashed with MD5, which is broken; \
            hash it anew with `htpasswd -B users bob`";
        assert_eq!(
            fault(&format!("alice:{ALICE}\nbob:$1$56pAkDOS$3GtOeDq9hP1JVRRMTkShe1")),
            expected
        );
        assert_eq!(fault("alice"), "`users:1`: expected `name:hash`");
        assert_eq!(
            fault(&format!("a\tb\x01:{ALICE}")),
            "`users:1`: the name cannot stand in a header"
        );
    }
}
