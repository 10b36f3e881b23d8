//! Sockets that the service manager has opened for this process.

/// Sockets that the service manager has opened for this process and that no address has taken.
#[derive(Debug, Default)]
pub struct Inherited {}

impl Inherited {
    /// No socket at all.
    pub fn none() -> Self {
        Self::default()
    }
}
