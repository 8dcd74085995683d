//! Names and figures as they are shown.

use std::path::Path;

use edgefit_base::units::format;

/// Characters of a name that are shown at most.
const LONGEST: usize = 160;

/// A name from outside: what a page may not hold is replaced, and what is very long is cut in its middle.
/// Markup is escaped where it is written.
pub(crate) fn shown(name: &str) -> String {
    let forbidden = |c: char| {
        let plane = u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c);
        c.is_control() || plane
    };
    let name = name.replace(forbidden, "\u{fffd}");
    let count = name.chars().count();
    if count <= LONGEST {
        return name;
    }
    let head: String = name.chars().take(LONGEST / 2).collect();
    let tail: String = name.chars().skip(count - LONGEST / 2).collect();
    format!("{head}…{tail}")
}

/// Sentences, which may be longer than a name: cut after a few thousand characters.
pub(crate) fn text(sentences: &str) -> String {
    let characters: Vec<char> = sentences.chars().take(20 * LONGEST).collect();
    let parts = characters.chunks(LONGEST);
    parts
        .map(|part| shown(&part.iter().collect::<String>()))
        .collect()
}

/// All of `names` as [`shown`].
pub(crate) fn all_shown(names: &[String]) -> Vec<String> {
    names.iter().map(|name| shown(name)).collect()
}

/// An interval of shares.
pub(crate) fn percents([low, high]: [f64; 2]) -> String {
    format!("{:.1} – {:.1} %", 100.0 * low, 100.0 * high)
}

/// Words whose figures are not torn from their units at the end of a line.
pub(crate) fn whole(words: &str) -> String {
    let units = ["%", "KiB", "MiB", "GiB", "ms", "points"];
    units
        .iter()
        .fold(words.replace(" – ", "\u{a0}– "), |words, unit| {
            words.replace(&format!(" {unit}"), &format!("\u{a0}{unit}"))
        })
}

/// A share, or a dash where there is none.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(dash, format::percent)
}

/// A figure with three decimals, or a dash where there is none.
pub(crate) fn decimal(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{value:.3}"))
}

/// A figure of any size in four digits.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e5).contains(&size) => {
            let digits = (3 - size.log10().floor() as i64).clamp(0, 6) as usize;
            format!("{value:.digits$}")
        }
        _ => format!("{value:.2e}"),
    }
}

/// A round figure without the zeros at its end.
pub(crate) fn short(value: f64) -> String {
    let text = figure(value);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// What stands where there is no figure.
pub(crate) fn dash() -> String {
    "–".to_owned()
}

/// The name of a file without its folder.
pub(crate) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// One thing or several.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", format::count(count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_a_page() {
        assert_eq!(shown("a\u{0}\u{7}\u{ffff}b"), "a\u{fffd}\u{fffd}\u{fffd}b");
        assert_eq!(shown("<script>🐦 مرحبا"), "<script>🐦 مرحبا");
        let long = shown(&"x".repeat(10_000));
        assert!(long.chars().count() <= LONGEST + 1 && long.contains('…'));
    }

    #[test]
    fn figures_have_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.123456, "0.1235"),
            (2.34567, "2.346"),
            (1234.56, "1235"),
            (1.5e-7, "1.50e-7"),
        ] {
            assert_eq!(figure(value), text);
        }
    }
}
