//! Questions and answers over a socket.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A path of a test's own, whose directory is removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("pasteline-{}-{name}", std::process::id())))
    }

    fn socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_question_is_answered_to_the_owner_alone() {
    let place = Place::new("control");
    let path = place.socket();
    let mut control = Control::start(Some(&path), &Environment::default());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&place.0).unwrap().permissions().mode() & 0o777, 0o700);
    let asked = tokio::task::spawn_blocking(move || ask(&path, Question::Reload));
    let Request::Reload(asker) = control.next().await else { panic!("a reload was asked for") };
    asker.send(Err("no".to_owned())).unwrap();
    let answer = asked.await.unwrap().unwrap();
    assert!(matches!(&answer, Answer::Refused(reason) if reason == "no"), "{answer:?}");
    drop(control);
    assert!(!place.socket().exists());
}

#[tokio::test]
async fn a_dead_socket_makes_room_and_a_live_one_does_not() {
    let place = Place::new("stale");
    let path = place.socket();
    let first = Control::start(Some(&path), &Environment::default());
    assert!(Control::start(Some(&path), &Environment::default()).path.is_none());
    drop(first);
    fs::create_dir_all(&place.0).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert!(Control::start(Some(&path), &Environment::default()).path.is_some());
}
