use std::path::{Path, PathBuf};

/// The energy counter of the processor's package (RAPL), where it may be read. It counts everything
/// that the package does meanwhile.
///
/// Its files: <https://docs.kernel.org/power/powercap/powercap.html>
pub struct Meter {
    domains: Vec<(PathBuf, u64)>,
    reason: String,
}

impl Meter {
    /// The packages under `/sys/class/powercap` of `root`.
    pub fn of(root: &Path) -> Self {
        let folder = root.join("sys/class/powercap");
        let mut meter = Meter::none();
        for domain in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = domain.file_name().to_string_lossy().into_owned();
            // intel-rapl:0 is a package, intel-rapl:0:1 a part of it that the package counts too.
            if !name.starts_with("intel-rapl:") || name.matches(':').count() != 1 {
                continue;
            }
            let file = domain.path().join("energy_uj");
            let range = number(&domain.path().join("max_energy_range_uj"));
            match (std::fs::read_to_string(&file), range) {
                (Ok(_), Some(range)) => meter.domains.push((file, range)),
                (Err(error), _) => {
                    meter.reason = format!(
                        "{} cannot be read: {error}; run as root, or let your user read it",
                        file.display()
                    );
                }
                (Ok(_), None) => meter.reason = format!("{} has no range", file.display()),
            }
        }
        meter
    }

    /// No counter.
    pub fn none() -> Self {
        Meter {
            domains: Vec::new(),
            reason: "this machine shows no energy counter (RAPL) of its processor; measure at the \
                     plug or with the board's own sensor"
                .into(),
        }
    }

    /// Why there are no figures.
    pub fn missing(&self) -> Option<&str> {
        self.domains.is_empty().then_some(self.reason.as_str())
    }

    /// Microjoules of each package now, to be given to [`used_uj`](Meter::used_uj).
    pub fn read(&self) -> Option<Vec<u64>> {
        let known = !self.domains.is_empty();
        known
            .then(|| self.domains.iter().map(|(file, _)| number(file)).collect())
            .flatten()
    }

    /// Microjoules since `before`.
    pub fn used_uj(&self, before: Option<Vec<u64>>) -> Option<u64> {
        let pairs = before?.into_iter().zip(self.read()?).zip(&self.domains);
        let used = pairs.map(
            |((before, now), (_, range))| match now.checked_sub(before) {
                Some(used) => used,
                // The counter began anew.
                None => range.saturating_sub(before).saturating_add(now),
            },
        );
        Some(used.sum())
    }
}

fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_began_anew_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let domain = root.path().join("sys/class/powercap/intel-rapl:0");
        std::fs::create_dir_all(&domain).unwrap();
        let write = |name: &str, value: &str| std::fs::write(domain.join(name), value).unwrap();
        write("energy_uj", "900\n");
        write("max_energy_range_uj", "1000\n");
        let meter = Meter::of(root.path());
        assert_eq!(meter.missing(), None);
        let before = meter.read();
        write("energy_uj", "950\n");
        assert_eq!(meter.used_uj(before.clone()), Some(50));
        write("energy_uj", "20\n");
        assert_eq!(meter.used_uj(before), Some(120));
        let nothing = tempfile::tempdir().unwrap();
        assert!(Meter::of(nothing.path()).missing().is_some());
    }
}
