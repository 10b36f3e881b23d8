//! Files, opened and read without a detour where the system has them at hand.
//!
//! What blocks is for another thread to do, and to hand it over takes longer than most files take:
//! they are in memory, with their names. So the system is asked for just that first
//! (`RESOLVE_CACHED`, `RWF_NOWAIT`). It says so where it would have to wait for a disk, and only
//! then another thread does it.

use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, open, openat2, statfs};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task::{JoinHandle, spawn_blocking};
use tower_http::services::fs;

/// The files below a directory.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    /// Whether they are on this machine: where others have them, or a program, that one is waited
    /// for whatever the system has in memory.
    is_here: bool,
}

/// The file systems of others: AFS, Ceph, CIFS, FUSE, NFS, SMB, 9P (statfs(2)).
const ELSEWHERE: [u64; 7] =
    [0x5346_414f, 0x00c3_6400, 0xff53_4d42, 0x6573_5546, 0x6969, 0xfe53_4d42, 0x0102_1997];

impl Disk {
    /// The files below a directory.
    pub(super) fn at(root: &Path) -> Self {
        let kind = statfs(root).ok().and_then(|found| u64::try_from(found.f_type).ok());
        Self { is_here: kind.is_some_and(|kind| !ELSEWHERE.contains(&kind)) }
    }
}

type Eventually<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl fs::Backend for Disk {
    type File = Opened;
    type Metadata = Metadata;
    type OpenFuture = Eventually<Opened>;
    type MetadataFuture = Eventually<Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let is_here = self.is_here;
        Box::pin(async move {
            let found = find(path, OFlags::RDONLY, is_here).await;
            let (file, metadata) = found.map_err(of_names)?;
            Ok(Opened { file: Arc::new(file), metadata, position: 0, reading: None })
        })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let is_here = self.is_here;
        Box::pin(async move { Ok(find(path, OFlags::PATH, is_here).await.map_err(of_names)?.1) })
    }
}

/// Opens a file or a directory; nothing else is there.
async fn find(path: PathBuf, flags: OFlags, is_here: bool) -> io::Result<(File, Metadata)> {
    // A FIFO without a writer is open at once, too.
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let at_hand = || openat2(CWD, &path, flags, Mode::empty(), ResolveFlags::CACHED);
    let found = if is_here { at_hand() } else { Err(Errno::AGAIN) };
    let (file, metadata) = match found {
        Err(error) if is_another_s_work(error) => {
            let open = move || with_metadata(open(&path, flags, Mode::empty())?);
            spawn_blocking(open).await.map_err(io::Error::other)??
        }
        found => with_metadata(found?)?,
    };
    let is_there = metadata.is_file() || metadata.is_dir();
    is_there.then_some((file, metadata)).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// A name that no file can have is that of none: clients may ask for any.
fn of_names(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::LOOP | Errno::NAMETOOLONG) => io::ErrorKind::NotFound.into(),
        _ => error,
    }
}

fn with_metadata(file: OwnedFd) -> io::Result<(File, Metadata)> {
    let file = File::from(file);
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// Whether the system would have to wait, or does not know how not to, as older ones do not and
/// some that are guarded.
fn is_another_s_work(error: Errno) -> bool {
    matches!(error, Errno::AGAIN | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
}

/// A file that is open.
#[derive(Debug)]
pub(super) struct Opened {
    file: Arc<File>,
    metadata: Metadata,
    position: u64,
    /// What another thread reads.
    reading: Option<Reading>,
}

impl fs::File for Opened {
    type Metadata = Metadata;
    type MetadataFuture<'a> = std::future::Ready<io::Result<Metadata>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        std::future::ready(Ok(self.metadata.clone()))
    }
}

impl AsyncRead for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let reading = match &mut this.reading {
            Some(reading) => reading,
            None => match read_now(&this.file, buffer, this.position) {
                // Linux before 5.11 may say so of what it does not have in memory.
                Ok(0) if this.position < this.metadata.len() && buffer.remaining() > 0 => {
                    this.reading.insert(elsewhere(&this.file, buffer.remaining(), this.position))
                }
                Err(error) if is_another_s_work(error) => {
                    this.reading.insert(elsewhere(&this.file, buffer.remaining(), this.position))
                }
                read => {
                    this.position += read? as u64;
                    return Poll::Ready(Ok(()));
                }
            },
        };
        let read = ready!(Pin::new(reading).poll(context));
        // Its memory goes with it: a client may take long for what it has got.
        this.reading = None;
        let bytes = read.map_err(io::Error::other)??;
        this.position += bytes.len() as u64;
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

/// Reads what is at hand from a place on.
fn read_now(file: &File, buffer: &mut ReadBuf<'_>, position: u64) -> Result<usize, Errno> {
    let room = &mut [IoSliceMut::new(buffer.initialize_unfilled())];
    let read = preadv2(file, room, position, ReadWriteFlags::NOWAIT)?;
    buffer.advance(read);
    Ok(read)
}

/// What another thread reads.
type Reading = JoinHandle<io::Result<Vec<u8>>>;

/// Has another thread read from a place on, as long as that takes.
fn elsewhere(file: &Arc<File>, length: usize, position: u64) -> Reading {
    let file = Arc::clone(file);
    spawn_blocking(move || {
        let mut bytes = vec![0; length];
        let read = file.read_at(&mut bytes, position)?;
        bytes.truncate(read);
        Ok(bytes)
    })
}

impl AsyncSeek for Opened {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let (from, by) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::Current(by) => (self.position, by),
            SeekFrom::End(by) => (self.metadata.len(), by),
        };
        let position = from.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        self.position = position;
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::io::AsyncReadExt as _;
    use tower_http::services::fs::Backend as _;

    use super::*;

    fn disk() -> Disk {
        Disk { is_here: true }
    }

    fn directory() -> PathBuf {
        let name =
            format!("pasteline-disk-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(name.replace(['(', ')'], ""));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[tokio::test]
    async fn reads_all_of_a_file_from_a_place_on() {
        let directory = directory();
        let path = directory.join("file");
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        File::create(&path).unwrap().write_all(&text).unwrap();
        let mut file = disk().open(path).await.unwrap();
        for at in [0, 1, 799_999, 800_000, 900_000_usize] {
            Pin::new(&mut file).start_seek(SeekFrom::Start(at as u64)).unwrap();
            let mut read = Vec::new();
            file.read_to_end(&mut read).await.unwrap();
            assert!(read == text[text.len().min(at)..], "from {at} on");
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[tokio::test]
    async fn another_thread_reads_the_same() {
        let directory = directory();
        let path = directory.join("file");
        std::fs::write(&path, "hello, world").unwrap();
        let mut file = disk().open(path).await.unwrap();
        file.reading = Some(elsewhere(&file.file, 5, 0));
        let mut read = String::new();
        file.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "hello, world");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[tokio::test]
    async fn what_is_no_file_and_no_directory_is_not_there() {
        let directory = directory();
        let fifo = directory.join("fifo");
        rustix::fs::mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        let long = directory.join("n".repeat(256));
        let circle = directory.join("circle");
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        for path in [fifo, directory.join("missing"), PathBuf::from("/dev/null"), long, circle] {
            assert_eq!(
                disk().metadata(path.clone()).await.unwrap_err().kind(),
                io::ErrorKind::NotFound
            );
            assert_eq!(disk().open(path).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        }
        assert!(disk().metadata(directory.clone()).await.unwrap().is_dir());
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[tokio::test]
    async fn what_others_have_is_opened_by_another_thread() {
        let directory = directory();
        let path = directory.join("file");
        std::fs::write(&path, "hello").unwrap();
        let mut file = Disk { is_here: false }.open(path).await.unwrap();
        let mut read = String::new();
        file.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "hello");
        assert!(!Disk::at(&directory.join("missing")).is_here);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
