//! RAM that is given by hand in the place of a device's own.

use std::borrow::Cow;

use edgefit_cost::Limits;
use edgefit_device::{Bank, Basis, Content, Figure, Profile, WeightsIn};

/// The bank that stands for it.
pub(crate) const LIMIT: &str = "limit";

/// `profile` with the RAM of `limits`, if they name some, in one piece; `None` where weights would lie in it, too.
pub(crate) fn in_limit<'p>(profile: &'p Profile, limits: &Limits) -> Option<Cow<'p, Profile>> {
    let Some(limit) = limits.ram_bytes else {
        return Some(Cow::Borrowed(profile));
    };
    let bank = Bank {
        name: LIMIT.into(),
        start: None,
        bytes: Figure {
            value: limit,
            kind: Basis::Estimate,
            source: "given by hand".into(),
        },
        reserved_bytes: None,
        static_bytes: None,
        heap_block_bytes: None,
        holds: vec![Content::Arena, Content::Runtime],
    };
    (profile.weights_in == WeightsIn::Flash).then(|| {
        Cow::Owned(Profile {
            banks: vec![bank],
            ..profile.clone()
        })
    })
}

/// `profile` with the RAM that a project for it may take: that of `limits` in one piece, where one of its banks has so
/// much, and else its own; `None` where weights would lie in it, too.
pub fn for_project<'p>(profile: &'p Profile, limits: &Limits) -> Option<Cow<'p, Profile>> {
    let holds = |bank: &Bank| {
        let bytes = bank.largest_buffer_bytes();
        bank.holds.contains(&Content::Arena) && limits.ram_bytes.is_none_or(|limit| limit <= bytes)
    };
    let limited = in_limit(profile, limits)?;
    if profile.banks.iter().any(holds) {
        Some(limited)
    } else {
        Some(Cow::Borrowed(profile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_lies_in_what_a_bank_holds() {
        let banks = |device: &str, ram_bytes: Option<u64>| {
            let profile = edgefit_device::find(device).unwrap();
            let limits = Limits {
                ram_bytes,
                ..Limits::default()
            };
            let limited = for_project(&profile, &limits);
            limited.map(|profile| profile.banks.iter().map(|bank| bank.bytes.value).collect())
        };
        let own: Vec<u64> = banks("stm32h743", None).unwrap();
        assert!(own.len() > 1);
        assert_eq!(banks("stm32h743", Some(700 << 10)), Some(own));
        assert_eq!(banks("stm32h743", Some(40 << 10)), Some(vec![40 << 10]));
        assert_eq!(banks("raspberry-pi-4b", Some(40 << 10)), None);
    }
}
