//! Bars on a logarithmic scale, as SVG.
//!
//! Each plot brings its own pale ground, so that its dark text is legible on a page of any colour.

use super::{Best, clear};
use crate::bench::plan::Kind;
use crate::bench::print::number;
use crate::bench::results::Series;
use plotters::coord::Shift;
use plotters::prelude::*;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const GROUND: RGBColor = RGBColor(250, 250, 248);
const TEXT: RGBColor = RGBColor(34, 34, 34);
const GRID: RGBColor = RGBColor(200, 200, 200);
const OURS: RGBColor = RGBColor(0, 114, 178);
const PEER: RGBColor = RGBColor(150, 150, 150);
const LIMIT: RGBColor = RGBColor(0, 158, 115);
const BEHIND: RGBColor = RGBColor(213, 94, 0);

const WIDTH: u32 = 860;
const LEFT: i32 = 170;
const RIGHT: i32 = 230;
const LINE: i32 = 22;
const TOP: i32 = 44;

/// One horizontal bar.
struct Bar {
    label: String,
    note: String,
    /// From, to, and the span of the whisker.
    from: f64,
    to: f64,
    span: (f64, f64),
    colour: RGBColor,
}

/// How far ours is ahead of the best other runtime in each workload.
pub fn overview(best: &[Best]) -> Result<String, String> {
    let bar = |b: &Best| Bar {
        label: b.ours.row.clone(),
        note: match b.shown() {
            Some(times) => format!("{times} x {}", b.peer.contender),
            None => format!("within noise of {}", b.peer.contender),
        },
        from: 1.0,
        to: b.ahead.median,
        span: (b.ahead.low, b.ahead.high),
        colour: match clear(b.ahead) {
            false => PEER,
            true if b.ahead.median > 1.0 => OURS,
            true => BEHIND,
        },
    };
    let bars: Vec<Bar> = best.iter().map(bar).collect();
    draw("Ahead of the best other runtime, times (log scale; 1 = as good)", &bars)
}

/// All contenders in a row.
pub fn row(all: &[&Series]) -> Result<String, String> {
    let positive = |s: &&&Series| s.spread().is_some_and(|v| v.low > 0.0);
    let least = all.iter().filter(positive).filter_map(|s| s.spread()).map(|v| v.low);
    let from = least.fold(f64::INFINITY, f64::min) / 1.5;
    let bar = |s: &&Series| {
        let v = s.spread()?;
        Some(Bar {
            label: s.title(),
            note: number(v.median),
            from,
            to: v.median,
            span: (v.low, v.high),
            colour: match s.kind {
                Kind::Ours => OURS,
                Kind::Limit => LIMIT,
                Kind::Peer => PEER,
            },
        })
    };
    let bars: Vec<Bar> = all.iter().filter(positive).filter_map(bar).collect();
    draw("", &bars)
}

fn draw(title: &str, bars: &[Bar]) -> Result<String, String> {
    let mut svg = String::new();
    let height = TOP as u32 + bars.len() as u32 * LINE as u32 + 16;
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        fill(&area, title, bars).map_err(|e| e.to_string())?;
        area.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

fn fill<'a>(area: &Area<'a>, title: &str, bars: &[Bar]) -> Result<(), Error<'a>> {
    let style = |size: i32| ("sans-serif", size).into_font().color(&TEXT);
    area.fill(&GROUND)?;
    area.draw(&Text::new(title.to_string(), (LEFT, 8), style(15)))?;
    let low = bars.iter().map(|b| b.from.min(b.span.0)).fold(f64::INFINITY, f64::min);
    let high = bars.iter().map(|b| b.from.max(b.span.1)).fold(f64::MIN_POSITIVE, f64::max);
    let room = f64::from(WIDTH as i32 - LEFT - RIGHT);
    let decades = (high / low).log10().max(0.1);
    let x = |v: f64| LEFT + ((v / low).log10() / decades * room) as i32;
    let bottom = TOP + bars.len() as i32 * LINE;
    if !bars.is_empty() {
        for power in low.log10().ceil() as i32..=high.log10().floor() as i32 {
            let at = x(10f64.powi(power));
            area.draw(&PathElement::new(vec![(at, TOP - 4), (at, bottom)], GRID))?;
            area.draw(&Text::new(number(10f64.powi(power)), (at - 8, TOP - 18), style(12)))?;
        }
    }
    for (i, b) in bars.iter().enumerate() {
        let y = TOP + i as i32 * LINE;
        let (from, to) = (x(b.from), x(b.to));
        let corners = [(from.min(to), y + 3), (from.max(to).max(from.min(to) + 2), y + LINE - 4)];
        area.draw(&Text::new(b.label.clone(), (8, y + 4), style(13)))?;
        area.draw(&Rectangle::new(corners, b.colour.filled()))?;
        let middle = y + LINE / 2;
        let whisker = vec![(x(b.span.0), middle), (x(b.span.1), middle)];
        area.draw(&PathElement::new(whisker, TEXT))?;
        let note = (x(b.span.1).max(to).max(from) + 8, y + 4);
        area.draw(&Text::new(b.note.clone(), note, style(13)))?;
    }
    Ok(())
}

/// What drawing into a string can fail with.
type Error<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;
