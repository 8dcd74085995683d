//! The map that GNU ld writes: the sections of the linked program.

/// A section of the linked program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Its name.
    pub name: String,
    /// Its first address.
    pub address: u64,
    /// Its size.
    pub bytes: u64,
    /// Where it is loaded from, if that is elsewhere.
    pub load: Option<u64>,
}

/// The sections that `map` lists, those without bytes left out.
pub(super) fn sections(map: &str) -> Vec<Section> {
    let number = |word: Option<&str>| u64::from_str_radix(word?.strip_prefix("0x")?, 16).ok();
    let section = |line: &str| {
        let mut words = line.starts_with('.').then(|| line.split_whitespace())?;
        let name = words.next()?.to_owned();
        let (address, bytes) = (number(words.next())?, number(words.next())?);
        let load = (words.next() == Some("load"))
            .then(|| number(words.nth(1)))
            .flatten();
        (bytes > 0).then_some(Section {
            name,
            address,
            bytes,
            load,
        })
    };
    map.lines().filter_map(section).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_sections_are_read_and_input_sections_are_not() {
        let map = "\
Memory Configuration

.text           0x0000000008000000     0x1a5c
 *(.vectors)
 .text.ef_reset
                0x0000000008000040       0x38 /tmp/x.o
.data           0x0000000020000000        0x4 load address 0x0000000008001a5c
.bss            0x0000000020000004        0x0
.arena0         0x0000000024000000    0x16f80
";
        let found = sections(map);
        let brief: Vec<(&str, u64, u64)> = found
            .iter()
            .map(|section| (section.name.as_str(), section.address, section.bytes))
            .collect();
        let expected = [
            (".text", 0x0800_0000, 0x1a5c),
            (".data", 0x2000_0000, 4),
            (".arena0", 0x2400_0000, 0x16f80),
        ];
        assert_eq!(brief, expected);
        assert_eq!(found[1].load, Some(0x0800_1a5c));
    }
}
