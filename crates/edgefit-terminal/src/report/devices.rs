//! The device profiles that there are.

use edgefit_base::units::format;
use edgefit_device::Profile;

use crate::table::table;

/// A row a device.
pub fn devices(profiles: &[Profile]) -> String {
    let mut rows = table(&["name", "device", "largest memory", "flash"]);
    for profile in profiles {
        let banks = profile.banks.iter().map(|bank| bank.bytes.value);
        let flash = profile.flash.as_ref().map(|flash| flash.bytes.value);
        rows.add_row([
            profile.name.clone(),
            profile.title.clone(),
            banks.max().map_or("–".into(), format::bytes),
            flash.map_or("–".into(), format::bytes),
        ]);
    }
    rows.to_string()
}
