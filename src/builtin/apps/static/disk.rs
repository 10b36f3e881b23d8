//! Files, opened and read without a detour where the system has them at hand.
//!
//! What blocks is for another thread to do, and to hand it over takes longer than most files take:
//! they are in memory, with their names. So the system is asked for just that first
//! (`RESOLVE_CACHED`, `RWF_NOWAIT`). It says so where it would have to wait for a disk, and only
//! then another thread does it.

use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, open, openat2};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task::{JoinHandle, spawn_blocking};
use tower_http::services::fs;

/// The files of this system.
#[derive(Clone, Debug)]
pub(super) struct Disk;

type Eventually<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl fs::Backend for Disk {
    type File = Opened;
    type Metadata = Metadata;
    type OpenFuture = Eventually<Opened>;
    type MetadataFuture = Eventually<Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        Box::pin(async {
            let (file, metadata) = find(path, OFlags::RDONLY).await?;
            Ok(Opened { file: Arc::new(file), metadata, position: 0, reading: None })
        })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        Box::pin(async { Ok(find(path, OFlags::PATH).await?.1) })
    }
}

/// Opens a file or a directory; nothing else is there.
async fn find(path: PathBuf, flags: OFlags) -> io::Result<(File, Metadata)> {
    // A FIFO without a writer is open at once, too.
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let found = match openat2(CWD, &path, flags, Mode::empty(), ResolveFlags::CACHED) {
        Err(error) if is_another_s_work(error) => {
            let open = move || open(&path, flags, Mode::empty());
            spawn_blocking(open).await.map_err(io::Error::other)?
        }
        found => found,
    };
    let file = File::from(found?);
    let metadata = file.metadata()?;
    let is_there = metadata.is_file() || metadata.is_dir();
    is_there.then_some((file, metadata)).ok_or_else(|| io::ErrorKind::NotFound.into())
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
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
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
                Err(error) if is_another_s_work(error) => {
                    let (file, position) = (Arc::clone(&this.file), this.position);
                    let length = buffer.remaining();
                    let read = move || read_elsewhere(&file, length, position);
                    this.reading.insert(spawn_blocking(read))
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

/// Reads from a place on, as long as that takes.
fn read_elsewhere(file: &File, length: usize, position: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let read = file.read_at(&mut bytes, position)?;
    bytes.truncate(read);
    Ok(bytes)
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
        let mut file = Disk.open(path).await.unwrap();
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
        let mut file = Disk.open(path).await.unwrap();
        let elsewhere = Arc::clone(&file.file);
        file.reading = Some(spawn_blocking(move || read_elsewhere(&elsewhere, 5, 0)));
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
        for path in [fifo, directory.join("missing"), PathBuf::from("/dev/null")] {
            assert_eq!(
                Disk.metadata(path.clone()).await.unwrap_err().kind(),
                io::ErrorKind::NotFound
            );
            assert_eq!(Disk.open(path).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        }
        assert!(Disk.metadata(directory.clone()).await.unwrap().is_dir());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
