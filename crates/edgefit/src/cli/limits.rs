//! Budgets that are named on the command line.

/// Budgets in the place of the device's own.
#[derive(Debug, clap::Args)]
pub struct Limits {
    /// RAM that it has to fit in, such as 64MiB, instead of the device's
    #[arg(long, value_name = "SIZE", value_parser = edgefit::base::units::bytes)]
    pub ram: Option<u64>,

    /// Flash or disk that the model has to fit in, such as 2MiB, instead of the device's
    #[arg(long, value_name = "SIZE", value_parser = edgefit::base::units::bytes)]
    pub flash: Option<u64>,

    /// Time that a run may take, such as 30ms
    #[arg(long, value_name = "TIME", value_parser = edgefit::base::units::nanoseconds)]
    pub latency: Option<u64>,
}

impl From<&Limits> for edgefit::cost::Limits {
    fn from(limits: &Limits) -> Self {
        edgefit::cost::Limits {
            ram_bytes: limits.ram,
            flash_bytes: limits.flash,
            latency_ns: limits.latency,
        }
    }
}
