//! What became of a model that was exported.

use edgefit_base::units::format;
use edgefit_micro::InputBy;
use edgefit_micro::c::Exported;
use edgefit_micro::patch::Patches;
use edgefit_micro::tflite;

/// Where the project is, and what it needs.
pub fn exported(exported: &Exported) -> String {
    let arenas = exported.arenas.iter().map(|arena| {
        let place = arena
            .bank
            .as_deref()
            .map_or(String::new(), |bank| format!(" in {bank}"));
        format!("{}{place}", format::bytes(arena.bytes))
    });
    let device = exported.device.as_deref();
    let device = device.map_or(String::new(), |device| format!(" for {device}"));
    let mut patched = exported.patches.as_ref().map(patches).unwrap_or_default();
    patched.push_str(&overlaps(exported.overlaps));
    if exported.input == InputBy::Parts {
        patched.push_str(
            "\nthe input takes no RAM: model_run is given a function that is asked for parts of it",
        );
    }
    if let Some(library) = &exported.library {
        patched.push_str(&format!(
            "\nconvolutions and products are {}'s, which works in {} beside the arenas",
            library.name,
            format::bytes(library.scratch_bytes as u64)
        ));
    }
    format!(
        "{}: {} files of C99{device}, {} ops; arena {}, constants {}{patched}\nbuild and run its sample with: make -C {} run",
        exported.folder.display(),
        exported.files.len(),
        exported.steps,
        arenas.collect::<Vec<_>>().join(" + "),
        format::bytes(exported.weights_bytes),
        exported.folder.display()
    )
}

/// The file, and what is in it.
pub fn exported_file(exported: &tflite::Exported) -> String {
    let labels = match exported.labels {
        0 => String::new(),
        count => format!(", {count} labels"),
    };
    format!(
        "{}: {}, a LiteRT model of {} {} operators{labels}; values need {} at once, constants {}\n{}",
        exported.output.display(),
        format::bytes(exported.file_bytes),
        exported.operators,
        match exported.element_type {
            "f32" => "float",
            other => other,
        },
        format::bytes(exported.arena_bytes),
        format::bytes(exported.weights_bytes),
        match exported.planning {
            tflite::Planning::InFile =>
                "where values lie in the arena of tflite-micro is in the file (--no-plan leaves it out: for compilers \
                 that change the graph, such as Vela)",
            tflite::Planning::ByInterpreter =>
                "tflite-micro plans its arena itself, and may need more",
        }
    )
}

/// How many results lie over what they are made of, in a line of its own.
pub(super) fn overlaps(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "\n1 result lies over what it is made of".to_owned(),
        count => format!("\n{count} results lie over what they are made of"),
    }
}

/// How the first steps of a program run, in a line of its own.
pub(super) fn patches(patches: &Patches) -> String {
    let [rows, columns] = patches.grid;
    format!(
        "\nup to node '{}' in {rows}×{columns} patches: arena {} instead of {}, {:+.1} % multiply-accumulates",
        patches.node,
        format::bytes(patches.arena_bytes),
        format::bytes(patches.whole_arena_bytes),
        100.0 * (patches.factor() - 1.0)
    )
}
