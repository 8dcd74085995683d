//! The flags of `edgefit prune`.

use clap::Args;

use super::change_args::ChangeArgs;

#[derive(Debug, Args)]
pub struct Prune {
    /// Share of the channels that each group keeps, such as 0.5
    #[arg(
        long,
        value_name = "SHARE",
        required_unless_present = "macs",
        value_parser = edgefit::base::units::share,
        allow_negative_numbers = true
    )]
    pub keep: Option<f64>,

    /// Multiply-accumulates that the model may take, such as 150M; channels go where they cost least
    #[arg(long, value_name = "N", conflicts_with = "keep", value_parser = count)]
    pub macs: Option<u64>,

    /// What the widths are multiples of
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub multiple: u16,

    #[command(flatten)]
    pub change: ChangeArgs,
}

/// A number, or one of thousands (K), millions (M) or billions (G).
fn count(text: &str) -> Result<u64, String> {
    let (number, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1e3),
        Some((at, 'm' | 'M')) => (&text[..at], 1e6),
        Some((at, 'g' | 'G')) => (&text[..at], 1e9),
        _ => (text, 1.0),
    };
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| format!("'{text}' is no number; give one such as 150M"))?;
    let product = number * factor;
    if product >= 1.0 && product < 2f64.powi(63) {
        Ok(product.round() as u64)
    } else {
        Err(format!("{text} is not a number of at least 1"))
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counts_have_a_unit_or_none() {
        assert_eq!(count("150M"), Ok(150_000_000));
        assert_eq!(count("1.5 G"), Ok(1_500_000_000));
        assert_eq!(count("12"), Ok(12));
        for bad in ["", "M", "-3M", "nan", "0", "1e30"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
