//! The words of engines: those that are known are explained, and what only their makers can read is left out.

/// What `detail` says, in one line: our own words first where the complaint is known.
pub(crate) fn readable(detail: &str) -> String {
    let line = without_places(&one_line(detail));
    match ir_version(&line) {
        Some((has, takes)) => format!(
            "the model says version {has} of ONNX's file format, and this engine reads up to {takes}; export it with \
             an older onnx package, or lower ir_version in Python (m = onnx.load(…); m.ir_version = 10; \
             onnx.save(m, …)); the engine says: {line}"
        ),
        None => line,
    }
}

/// Without line breaks, and without the note on how a panic is traced.
pub(crate) fn one_line(text: &str) -> String {
    let lines = text.lines().filter(|line| !is_note(line));
    let words = lines.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

/// Whether `line` is what Rust says of backtraces below a panic.
pub(crate) fn is_note(line: &str) -> bool {
    line.trim_start().starts_with("note: ") && line.contains("RUST_BACKTRACE")
}

/// Without the places in ONNX Runtime's own source: a file, a line, and the function with its arguments.
fn without_places(line: &str) -> String {
    const SOURCE: &str = "/onnxruntime_src/";
    let mut kept = String::new();
    let mut rest = line;
    while let Some((before, place)) = rest.split_once(SOURCE) {
        kept.push_str(before);
        rest = behind_the_function(place).unwrap_or_default();
    }
    kept.push_str(rest);
    kept
}

/// What follows `model.cc:181 onnxruntime::Model::Model(…) `.
fn behind_the_function(place: &str) -> Option<&str> {
    let mut depth = 0;
    for (at, c) in place.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => {
                let rest = place[at + 1..].trim_start();
                return Some(rest.strip_prefix("const ").unwrap_or(rest));
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The model's version of the file format and the newest that ONNX Runtime reads, where those are apart.
fn ir_version(line: &str) -> Option<(u64, u64)> {
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let (_, has) = line.split_once("Unsupported model IR version: ")?;
    let (_, takes) = has.split_once("max supported IR version: ")?;
    Some((number(has)?, number(takes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_complaints_are_explained_before_they_are_cited() {
        let said = "Load model from m.onnx failed:/onnxruntime_src/onnxruntime/core/graph/model.cc:181 \
                    onnxruntime::Model::Model(onnx::ModelProto&&, const std::function<void(int)>&)\n \
                    Unsupported model IR version: 14, max supported IR version: 13\n";
        let readable = readable(said);
        assert!(
            readable.starts_with("the model says version 14 "),
            "{readable}"
        );
        assert!(readable.contains("up to 13"), "{readable}");
        let cited = "says: Load model from m.onnx failed:Unsupported model IR version: 14, max";
        assert!(readable.contains(cited), "{readable}");
    }

    #[test]
    fn places_in_source_and_notes_on_backtraces_are_left_out() {
        let panicked = "it panicked: odd\nnote: run with `RUST_BACKTRACE=1` environment variable to display a \
                        backtrace\n";
        assert_eq!(readable(panicked), "it panicked: odd");
        let method = "/onnxruntime_src/a.cc:7 bool f(g(h)) const Bad axis";
        assert_eq!(readable(method), "Bad axis");
        assert_eq!(readable("/onnxruntime_src/a.cc:7 cut off"), "");
        assert_eq!(readable(" shape\n [1] "), "shape [1]");
    }
}
