//! Looks through texts for octets of a kind, many of them in one step.

/// Whether any octet of a text is of a kind.
///
/// This is faster than `any` where nearly no text has one, as there is no way out at the first:
/// `STEP` octets are looked at in one step.
pub(super) fn has<const STEP: usize>(text: &[u8], is_meant: impl Fn(u8) -> bool) -> bool {
    has_pair::<STEP>(text, text, |octet, _| is_meant(octet))
}

/// Whether octets are of a kind anywhere that stand at the same place of two texts of one length.
pub(super) fn has_pair<const STEP: usize>(
    one: &[u8],
    other: &[u8],
    is_meant: impl Fn(u8, u8) -> bool,
) -> bool {
    let seen = |one: &[u8], other: &[u8]| {
        let pairs = one.iter().zip(other);
        pairs.fold(0, |seen, (one, other)| seen | u8::from(is_meant(*one, *other))) != 0
    };
    // The last step overlaps the one before it, so that nothing is left over.
    let (Some(last), Some(other_last)) = (one.last_chunk::<STEP>(), other.last_chunk::<STEP>())
    else {
        return seen(one, other);
    };
    let steps = one.as_chunks::<STEP>().0.iter().zip(other.as_chunks::<STEP>().0);
    let last = seen(last, other_last);
    steps.fold(last, |any, (one, other)| any | seen(one, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: usize = 8;

    #[test]
    fn an_octet_is_seen_wherever_it_stands() {
        for length in 0..=3 * STEP {
            let text = vec![b'a'; length];
            assert!(!has::<STEP>(&text, |octet| octet == b'%'), "{length}");
            for at in 0..length {
                let mut text = text.clone();
                text[at] = b'%';
                assert!(has::<STEP>(&text, |octet| octet == b'%'), "{at} of {length}");
            }
        }
    }

    #[test]
    fn a_pair_is_seen_only_where_both_stand() {
        for length in 1..=3 * STEP {
            let is_pair = |one, other| one == b'1' && other == b'2';
            for at in 0..length {
                let (mut one, mut other) = (vec![b'a'; length], vec![b'a'; length]);
                one[at] = b'1';
                other[(at + 1) % length] = b'2';
                assert_eq!(
                    has_pair::<STEP>(&one, &other, is_pair),
                    length == 1,
                    "{at} of {length}"
                );
                other[at] = b'2';
                assert!(has_pair::<STEP>(&one, &other, is_pair), "{at} of {length}");
            }
        }
    }
}
