//! The loss over the learning rate.

use edgefit_train::LrFind;

use crate::table::table;

/// Steps that one line of the plot stands for.
const STEPS_OF_LINE: usize = 5;

/// Length of the longest bar, in characters.
const WIDTH: f64 = 40.0;

/// The smoothed loss over the learning rate as bars, and what it says.
pub fn learning_rates(found: &LrFind) -> String {
    let mut rows = table(&["learning rate", "loss", "", ""]);
    let reading = &found.reading;
    let highest = found.curve.iter().map(|point| point.smoothed);
    // Losses that diverge would make the rest look flat.
    let start = found.curve.first().map_or(1.0, |point| point.smoothed);
    let full = highest.fold(0.0, f64::max).min(1.5 * start);
    let place = |rate: f64| {
        let off = |at: &usize| (found.curve[*at].learning_rate / rate).ln().abs();
        (0..found.curve.len()).min_by(|a, b| off(a).total_cmp(&off(b)))
    };
    let marks = [
        (
            place(found.recipe_learning_rate),
            "the recipe's learning rate",
        ),
        (place(reading.steepest), "steepest"),
        (place(reading.suggestion), "suggested"),
        (place(reading.minimum), "lowest"),
    ];
    for (nth, line) in found.curve.chunks(STEPS_OF_LINE).enumerate() {
        let here = marks
            .iter()
            .filter(|(place, _)| place.is_some_and(|place| place / STEPS_OF_LINE == nth));
        let marks: Vec<&str> = here.map(|(_, mark)| *mark).collect();
        let loss = line.iter().map(|point| point.smoothed).sum::<f64>() / line.len() as f64;
        let bar = (WIDTH * (loss / full).min(1.0)).round() as usize;
        rows.add_row([
            format!("{:.1e}", line[0].learning_rate),
            format!("{loss:.3}"),
            "█".repeat(bar),
            marks.join(", "),
        ]);
    }
    let diverges = match reading.diverges_at {
        Some(rate) => format!("the loss diverges at a learning rate of {rate:.1e}"),
        None => "the loss did not diverge".to_owned(),
    };
    format!(
        "{rows}\nstage {}, smoothed loss of steps of {} samples; {diverges}\nsuggested: {:.1e}, a tenth of \
         the learning rate of the lowest loss ({:.1e}); it fell steepest at {:.1e}\nthe recipe has {:.1e}; `learning_rate` \
         under [{}] in the file of --recipe changes it",
        found.stage,
        found.batch,
        reading.suggestion,
        reading.minimum,
        reading.steepest,
        found.recipe_learning_rate,
        found.stage,
    )
}
