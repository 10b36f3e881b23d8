//! What holds for all bytes that begin a connection. The fuzz target `proxy_header` calls this as
//! well.

use pasteline::server::{ProxyHeader, Step};

/// The longest header that is taken.
const LONGEST: usize = 4096;

/// Whoever takes only what is needed comes to the end of the header or to a fault, within bounds,
/// and has not taken what follows.
pub(crate) fn is_read_within_bounds(bytes: &[u8]) {
    // All at once it is read too, whatever it comes to.
    let _ = ProxyHeader::read(bytes);
    let mut taken = 0;
    while let Ok(Step::Needs(more)) = ProxyHeader::read(&bytes[..taken]) {
        assert!(more > 0 && taken + more <= LONGEST, "{taken} and {more}: {bytes:?}");
        taken += more;
        if taken > bytes.len() {
            return;
        }
    }
    if let Ok(Step::Done(header)) = ProxyHeader::read(&bytes[..taken]) {
        // A byte more is one that belongs to whatever follows.
        let longer = [&bytes[..taken], b"G"].concat();
        assert!(ProxyHeader::read(&longer).is_err(), "{header:?}: {longer:?}");
        if let ProxyHeader::Passed { peer, local } = header {
            assert_eq!(peer.is_ipv4(), local.is_ipv4());
        }
    }
}
