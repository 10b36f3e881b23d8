//! Questions and answers over a socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::source::fixture::Directory;

fn start(path: &Path) -> Control {
    Control::start(Some(path), Role::First, &Environment::default())
}

#[tokio::test]
async fn a_question_is_answered_to_the_owner_alone() {
    let directory = Directory::new();
    let place = directory.join("control");
    let path = place.join("control.sock");
    let mut control = start(&path);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    let asked = tokio::task::spawn_blocking(move || ask(&path, Question::Reload));
    let Request::Reload(asker) = control.next().await else { panic!("a reload was asked for") };
    asker.send(Told::Ended(Err("no".to_owned()))).unwrap();
    let answer = asked.await.unwrap().unwrap();
    assert!(matches!(&answer, Answer::Refused(reason) if reason == "no"), "{answer:?}");
    drop(control);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}

#[tokio::test]
async fn a_dead_socket_makes_room_and_a_live_one_does_not() {
    let directory = Directory::new();
    let path = directory.join("control.sock");
    let first = start(&path);
    assert!(start(&path).file.is_none());
    drop(first);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert!(start(&path).file.is_some());
}

#[tokio::test]
async fn a_successor_is_asked_at_the_same_place_once_it_has_taken_over() {
    /// Which of the two hears a question at the path.
    async fn who(path: &Path, first: &mut Control, second: &mut Control) -> u8 {
        let path = path.to_owned();
        let asked = tokio::task::spawn_blocking(move || ask(&path, Question::Reload));
        let (who, request) = tokio::select! {
            request = first.next() => (1, request),
            request = second.next() => (2, request),
        };
        let Request::Reload(asker) = request else { panic!("a reload was asked for") };
        asker.send(Told::Ended(Ok(String::new()))).unwrap();
        asked.await.unwrap().unwrap();
        who
    }
    let directory = Directory::new();
    let path = directory.join("control.sock");
    let mut first = start(&path);
    let mut second = Control::start(Some(&path), Role::Successor, &Environment::default());
    assert_eq!(who(&path, &mut first, &mut second).await, 1);
    second.take_place();
    assert_eq!(who(&path, &mut first, &mut second).await, 2);
    drop(first);
    assert!(path.exists(), "it is the successor's");
    drop(second);
    assert_eq!(fs::read_dir(&*directory).unwrap().count(), 0);
}
