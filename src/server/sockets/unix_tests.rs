//! Unix sockets: who may connect, and what happens to their files.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::Sockets;
use crate::server::{Address, BindError, Inherited, Mode, Settings, Share, UnixName};
use crate::settings::{Seconds, Setting};
use crate::source::fixture::Directory;

/// A path of a test's own, at which there is nothing.
struct Place(PathBuf, #[expect(dead_code, reason = "it goes with this")] Directory);

impl Place {
    fn new() -> Self {
        let directory = Directory::new();
        Self(directory.join("api.sock"), directory)
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.bind_to(vec![Address::Unix(UnixName::Path(self.0.clone()))]);
        settings.retry_until_window = Seconds(Duration::ZERO);
        settings
    }

    async fn bind(&self) -> Result<Sockets, BindError> {
        bind(&self.settings()).await
    }

    /// Why nothing can listen there, without the address.
    async fn refusal(&self) -> String {
        let error = self.bind().await.unwrap_err().to_string();
        let expected = format!("Could not bind to unix:{}: ", self.0.display());
        error.strip_prefix(&expected).unwrap_or(&error).to_owned()
    }
}

async fn bind(settings: &Settings) -> Result<Sockets, BindError> {
    Sockets::bind(settings, 2, &mut Inherited::none()).await
}

fn is_socket(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket())
}

#[tokio::test]
async fn it_has_the_mode_and_the_owner_of_the_settings() {
    let place = Place::new();
    let sockets = place.bind().await.unwrap();
    let file = fs::metadata(&place.0).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o660);
    sockets.close();

    // Only root may give a file away.
    let is_root = file.uid() == 0;
    let owner = if is_root { ":4711".to_owned() } else { file.uid().to_string() };
    let mut settings = place.settings();
    settings.socket_mode = Mode(0o606);
    settings.socket_owner = Some(Setting::parse(&owner).unwrap());
    let _sockets = bind(&settings).await.unwrap();
    let file = fs::metadata(&place.0).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o606);
    assert!(!is_root || file.gid() == 4711);
}

#[tokio::test]
async fn one_that_stays_has_the_access_of_other_settings_once_these_are_in_force() {
    let place = Place::new();
    let sockets = place.bind().await.unwrap();
    let found = || fs::metadata(&place.0).unwrap();
    let before = (found().uid(), found().gid());
    // Only root may give a file away.
    let owner = if before.0 == 0 { "nobody:4712".to_owned() } else { before.0.to_string() };
    let mut settings = place.settings();
    settings.socket_mode = Mode(0o606);
    settings.socket_owner = Some(Setting::parse(&owner).unwrap());
    let coming = sockets.rebind(&settings, 2, &mut Inherited::none()).await.unwrap();
    assert_eq!(found().mode() & 0o777, 0o660, "it may be given up yet");
    coming.adjust(&settings);
    assert_eq!(found().mode() & 0o777, 0o606);
    assert!(before.0 != 0 || (found().uid(), found().gid()) == (65534, 4712));
    coming.adjust(&place.settings());
    assert_eq!(found().mode() & 0o777, 0o660);
    assert_eq!((found().uid(), found().gid()), before, "it is whose it was");
}

#[tokio::test]
async fn one_that_stays_cannot_be_given_to_an_owner_that_there_is_not() {
    let place = Place::new();
    let sockets = place.bind().await.unwrap();
    let mut settings = place.settings();
    settings.socket_owner = Some(Setting::parse("no-such-user").unwrap());
    let error = sockets.rebind(&settings, 2, &mut Inherited::none()).await.unwrap_err().to_string();
    let expected = "the mode and the owner of its file cannot change: there is no user \
                    `no-such-user`";
    assert!(error.ends_with(expected), "{error}");
}

#[tokio::test]
async fn what_has_taken_the_place_of_its_file_is_given_no_access() {
    let place = Place::new();
    let sockets = place.bind().await.unwrap();
    let mut settings = place.settings();
    settings.socket_mode = Mode(0o606);
    let other = place.0.with_file_name("other");
    fs::write(&other, "").unwrap();
    fs::set_permissions(&other, Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(&place.0).unwrap();
    symlink(&other, &place.0).unwrap();
    let coming = sockets.rebind(&settings, 2, &mut Inherited::none()).await.unwrap();
    coming.adjust(&settings);
    assert_eq!(fs::metadata(&other).unwrap().mode() & 0o777, 0o640);
}

/// How many clients find room in the queue of a socket that nobody accepts from.
fn room_at(address: &SockAddr) -> usize {
    let connect = || {
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        client.connect(address).map(|()| client).ok()
    };
    std::iter::from_fn(connect).collect::<Vec<_>>().len()
}

#[tokio::test]
async fn one_that_stays_has_the_backlog_of_other_settings_once_these_are_in_force() {
    let place = Place::new();
    let name = format!("unix:@pasteline-backlog-{}", std::process::id());
    let mut settings = place.settings();
    settings.bind_to(vec![Address::Unix(UnixName::Path(place.0.clone())), name.parse().unwrap()]);
    settings.backlog = 20;
    let sockets = bind(&settings).await.unwrap();
    settings.backlog = 3;
    let coming = sockets.rebind(&settings, 2, &mut Inherited::none()).await.unwrap();
    // Linux lets one more in.
    let room = || {
        let share = coming.share(0).unwrap().into_parts().1.into_iter().map(Socket::from);
        share.map(|socket| room_at(&socket.local_addr().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(room(), [21, 21], "it may be given up yet");
    for socket in coming.share(0).unwrap().into_parts().1.into_iter().map(UnixListener::from) {
        socket.set_nonblocking(true).unwrap();
        socket.incoming().map_while(Result::ok).for_each(drop);
    }
    coming.adjust(&settings);
    assert_eq!(room(), [4, 4]);
}

#[tokio::test]
async fn an_owner_that_there_is_not_leaves_nothing_behind() {
    let place = Place::new();
    let mut settings = place.settings();
    settings.socket_owner = Some(Setting::parse("no-such-user").unwrap());
    let error = bind(&settings).await.unwrap_err().to_string();
    assert!(error.ends_with(": there is no user `no-such-user`"), "{error}");
    assert!(!place.0.exists());
}

#[tokio::test]
async fn workers_share_one_socket() {
    let place = Place::new();
    let sockets = place.bind().await.unwrap();
    UnixStream::connect(&place.0).unwrap();
    let share = |worker| {
        let (_, mut descriptors) = sockets.share(worker).unwrap().into_parts();
        UnixListener::from(descriptors.remove(0))
    };
    share(0).accept().unwrap();
    UnixStream::connect(&place.0).unwrap();
    share(1).accept().unwrap();
}

#[tokio::test]
async fn one_that_is_left_over_gives_way() {
    let place = Place::new();
    drop(UnixListener::bind(&place.0).unwrap());
    let _sockets = place.bind().await.unwrap();
    UnixStream::connect(&place.0).unwrap();
}

#[tokio::test]
async fn a_second_start_is_refused() {
    let place = Place::new();
    let _first = place.bind().await.unwrap();
    assert_eq!(place.refusal().await, "another process listens there already");
    UnixStream::connect(&place.0).unwrap();
}

#[tokio::test]
async fn of_two_that_start_at_the_same_time_one_waits() {
    let place = Place::new();
    let directory = File::open(place.0.parent().unwrap()).unwrap();
    directory.lock().unwrap();
    assert_eq!(place.refusal().await, "another process has locked the directory");
    directory.unlock().unwrap();
    place.bind().await.unwrap();
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let place = Place::new();
    let expected = "there is a file that is no socket, which is left as it is";
    fs::write(&place.0, "precious").unwrap();
    assert_eq!(place.refusal().await, expected);
    assert_eq!(fs::read(&place.0).unwrap(), b"precious");

    fs::remove_file(&place.0).unwrap();
    symlink("elsewhere", &place.0).unwrap();
    assert_eq!(place.refusal().await, expected);
}

#[tokio::test]
async fn a_directory_that_there_is_not_is_told() {
    let mut place = Place::new();
    place.0 = place.0.with_file_name("no-such-directory").join("api.sock");
    assert_eq!(place.refusal().await, "there is no such directory");
}

#[tokio::test]
async fn its_file_goes_with_the_last_who_holds_it() {
    let place = Place::new();
    let first = place.bind().await.unwrap();
    let second = first.rebind(&place.settings(), 4, &mut Inherited::none()).await.unwrap();
    first.close();
    UnixStream::connect(&place.0).unwrap();
    second.close();
    assert!(!place.0.exists());
}

#[tokio::test]
async fn the_file_of_another_stays() {
    let place = Place::new();
    let sockets = place.bind().await.unwrap();
    fs::remove_file(&place.0).unwrap();
    let _other = UnixListener::bind(&place.0).unwrap();
    sockets.close();
    assert!(is_socket(&place.0));
}

#[tokio::test]
async fn who_takes_it_over_removes_its_file() {
    let place = Place::new();
    let sockets = place.bind().await.unwrap();
    let (places, descriptors) = sockets.share(0).unwrap().into_parts();
    let written = serde_json::to_string(&places).unwrap();
    let places = serde_json::from_str(&written).unwrap();
    let adopted = Sockets::adopt(vec![Share::from_parts(places, descriptors).unwrap()]);
    sockets.hand_over();
    UnixStream::connect(&place.0).unwrap();
    adopted.take_charge();
    adopted.close();
    assert!(!place.0.exists());
}

#[tokio::test]
async fn who_fails_to_take_it_over_leaves_its_file() {
    let place = Place::new();
    let sockets = place.bind().await.unwrap();
    drop(Sockets::adopt(vec![sockets.share(0).unwrap()]));
    UnixStream::connect(&place.0).unwrap();
    drop(sockets);
    assert!(!place.0.exists());
}

#[tokio::test]
async fn its_file_goes_with_what_was_bound_and_is_given_up() {
    let place = Place::new();
    let nothing = Sockets::default();
    let coming = nothing.rebind(&place.settings(), 2, &mut Inherited::none()).await.unwrap();
    UnixStream::connect(&place.0).unwrap();
    drop(coming);
    assert!(!place.0.exists());
}

#[tokio::test]
async fn a_failure_at_another_address_leaves_nothing_behind() {
    let place = Place::new();
    let mut settings = place.settings();
    let unix = Address::Unix(UnixName::Path(place.0.clone()));
    settings.bind_to(vec![unix, Address::new("192.0.2.77", 0)]);
    bind(&settings).await.unwrap_err();
    assert!(!place.0.exists());
}

#[tokio::test]
async fn a_name_without_a_file_is_taken_once() {
    let mut settings = Settings::default();
    let name = format!("unix:@pasteline-{}", std::process::id());
    settings.bind_to(vec![name.parse().unwrap()]);
    settings.retry_until_window = Seconds(Duration::ZERO);
    let sockets = bind(&settings).await.unwrap();
    assert_eq!(sockets.endpoints().next().unwrap().to_string(), name);
    let error = bind(&settings).await.unwrap_err().to_string();
    let expected = format!("Could not bind to {name}: another process listens there already");
    assert_eq!(error, expected);
}
