//! Puts a new text in the place of a file's old one.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// Replaces the text of a file, which keeps its owner and its permissions. One that nobody may
/// write stays as it is, though its directory would let it be replaced.
///
/// Whoever reads the file meanwhile sees the old text or the new one, whole: the new one is
/// written beside it and takes its name. If anything fails, the file is as it was. A link stays
/// a link; it is the file it leads to that is replaced.
pub(super) fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let metadata = path.metadata()?;
    if metadata.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (beside, file) = create_beside(&path)?;
    fill(file, text, &metadata).and_then(|()| fs::rename(&beside, &path)).inspect_err(|_| {
        // That it cannot be removed either is not what the caller wants to know.
        let _ = fs::remove_file(&beside);
    })
}

/// Creates a file in the directory of another, which nobody else may read yet.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(name);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    Ok((beside, file))
}

fn fill(mut file: File, text: &str, like: &Metadata) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(&file, Some(like.uid()), Some(like.gid()))?;
    }
    // After the owner: a change of that takes permissions away.
    file.set_permissions(like.permissions())?;
    file.sync_all()
}
