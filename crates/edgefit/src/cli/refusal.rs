//! What clap says of arguments that it does not take, in one line.

use clap::error::ErrorKind;

/// The line for `error`; `None` for help and versions, which are no refusals.
pub fn one_line(error: &clap::Error) -> Option<String> {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return None;
    }
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let mut line = String::new();
    let mut help = None;
    for paragraph in text.split("\n\n") {
        let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(usage) = words.strip_prefix("Usage: ") {
            let command = usage
                .split(' ')
                .take_while(|word| word.starts_with(char::is_alphabetic));
            help = Some(command.collect::<Vec<_>>().join(" "));
        } else if !words.is_empty() && !words.starts_with("For more information") {
            if !line.is_empty() {
                line.push_str("; ");
            }
            line.push_str(&words.replace("tip: ", ""));
        }
    }
    if let Some(command) = help {
        line.push_str(&format!("; see `{command} --help`"));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn said(arguments: &str) -> Option<String> {
        let arguments = std::iter::once("edgefit").chain(arguments.split_whitespace());
        one_line(&Cli::try_parse_from(arguments).unwrap_err())
    }

    #[test]
    fn refusals_are_one_line_with_the_fix() {
        assert_eq!(
            said("inspect").unwrap(),
            "the following required arguments were not provided: <MODEL>; see `edgefit inspect --help`"
        );
        assert_eq!(
            said("inspcet m.onnx").unwrap(),
            "unrecognized subcommand 'inspcet'; a similar subcommand exists: 'inspect'; see `edgefit --help`"
        );
        assert_eq!(
            said("check m.onnx --devce host").unwrap(),
            "unexpected argument '--devce' found; a similar argument exists: '--device'; see `edgefit check --help`"
        );
        assert_eq!(
            said("inspect m.onnx --sort size").unwrap(),
            "invalid value 'size' for '--sort <SORT>' [possible values: graph, name, op, parameters, macs, output]"
        );
        let value = said("bench m.onnx --threads 0").unwrap();
        assert!(
            !value.contains('\n') && value.contains("0 is not in 1..=1024"),
            "{value}"
        );
    }

    #[test]
    fn help_is_no_refusal() {
        for asked in ["--help", "inspect --help", "--version", ""] {
            assert_eq!(said(asked), None, "{asked}");
        }
    }
}
