//! The machine edgefit runs on, as a profile.

use std::path::Path;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::cgroup::memory_limit;
use crate::element_type::ElementType;
use crate::engine_id::EngineId;
use crate::error::{Error, Result};
use crate::profile::{
    ArenaLayout, Bank, Basis, Class, Content, Cpu, Engine, Figure, Memory, Peak, Power, Profile,
    VERSION, WeightsIn,
};

/// Name of the profile of this machine.
pub const HOST: &str = "host";

/// This machine, as the system describes it: memory that is free for a process now, within the
/// limits of its control group and of those above it.
///
/// # Errors
/// The system does not say, as on platforms that sysinfo does not know.
pub fn host() -> Result<Profile> {
    let refresh = RefreshKind::nothing()
        .with_memory(MemoryRefreshKind::nothing().with_ram())
        .with_cpu(CpuRefreshKind::nothing().with_frequency());
    let system = System::new_with_specifics(refresh).map_err(|error| Error::Host {
        detail: error.to_string(),
    })?;
    let figure = |value: u64, source: &str| Figure {
        value,
        kind: Basis::Measured,
        source: source.to_owned(),
    };

    let (mut total, mut available, mut source) = (
        system.total_memory(),
        system.available_memory(),
        "the operating system",
    );
    if let Some(group) = memory_limit(Path::new("/"))
        && group.free < available
    {
        (total, available) = (group.limit.min(total), group.free);
        source = "the narrowest control group of this process";
    }
    let cpu = system.cpus().first();
    let model = cpu.map_or("unknown", |cpu| cpu.brand().trim());
    let clock = cpu.map(sysinfo::Cpu::frequency).filter(|&mhz| mhz > 0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Profile {
        version: VERSION,
        name: HOST.into(),
        title: format!("this machine ({model})"),
        aliases: Vec::new(),
        class: Class::Computer,
        weights_in: WeightsIn::Ram,
        cpu: Cpu {
            model: model.to_owned(),
            cores: figure(cores as u64, "cores this process may use"),
            clock_hz: clock.map(|mhz| figure(mhz * 1_000_000, "the operating system, now")),
            isa: None,
            cache_bytes: None,
        },
        remark: None,
        accelerator: None,
        flash: None,
        memory: Memory::default(),
        peak: Peak::default(),
        quantization: None,
        power: Power::default(),
        banks: vec![Bank {
            name: "RAM".into(),
            start: None,
            bytes: figure(total, source),
            reserved_bytes: Some(figure(total.saturating_sub(available), "in use now")),
            static_bytes: None,
            heap_block_bytes: None,
            holds: vec![Content::Weights, Content::Arena, Content::Runtime],
        }],
        engines: [EngineId::Tract, EngineId::OnnxRuntime]
            .map(engine)
            .to_vec(),
        rates: Vec::new(),
        process_memory: Vec::new(),
        calibrations: Vec::new(),
    })
}

/// The scheme that ONNX Runtime wants on this processor: without VNNI, products of two 8-bit integers are
/// summed in 16 bits and saturate.
fn onnxruntime_scheme() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected;
        if is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni") {
            "onnxruntime-x86-vnni"
        } else {
            "onnxruntime-x86"
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    "onnxruntime-arm"
}

/// An engine that edgefit itself runs, as far as it is known without running it.
fn engine(name: EngineId) -> Engine {
    let scheme = (name == EngineId::OnnxRuntime).then(|| onnxruntime_scheme().to_owned());
    Engine {
        name,
        arena: ArenaLayout::OneBank,
        code_bytes: None,
        runtime_bytes: None,
        tensor_bytes: None,
        node_bytes: None,
        channel_bytes: None,
        element_types: vec![ElementType::F32, ElementType::Int8],
        scheme,
    }
}
