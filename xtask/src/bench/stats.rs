//! Medians, spreads, and what may be said of a ratio.
//!
//! A ratio is taken inside one round, where its two parts ran seconds apart, so that what changes
//! slowly (clock frequency, a neighbour on the machine) cancels out. Over the rounds it has a median
//! and a spread. A verdict is given only where the whole spread lies on one side of the bound:
//! otherwise it is withheld, since another run could say the opposite.

use serde::{Deserialize, Serialize};

/// Median and the span of some samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The least. From five samples on, the least but one: one disturbed run does not speak for the rest.
    pub low: f64,
    /// The greatest, or the greatest but one in the same way.
    pub high: f64,
}

/// The spread of `samples`; None if there are none.
pub fn spread(samples: &[f64]) -> Option<Spread> {
    let mut v = samples.to_vec();
    v.sort_by(f64::total_cmp);
    let n = v.len();
    let trim = usize::from(n >= 5);
    let median = (v.get(n / 2)? + v.get((n - 1) / 2)?) / 2.0;
    Some(Spread { median, low: v[trim], high: v[n - 1 - trim] })
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// At most this.
    Most(f64),
    /// At least this.
    Least(f64),
    /// Anything: it is only reported.
    Report,
}

/// What is said of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole spread keeps the bound.
    Met,
    /// The whole spread breaks it.
    Missed,
    /// The bound lies inside the spread.
    Withheld,
    /// Others used the CPUs meanwhile (never from [`verdict`], which sees only numbers).
    Disturbed,
    /// There is no bound.
    Reported,
}

/// Compares a spread with its bound.
pub fn verdict(s: Spread, bound: Bound) -> Verdict {
    let (met, missed) = match bound {
        Bound::Report => return Verdict::Reported,
        Bound::Most(b) => (s.high <= b, s.low > b),
        Bound::Least(b) => (s.low >= b, s.high < b),
    };
    match (met, missed) {
        (true, _) => Verdict::Met,
        (_, true) => Verdict::Missed,
        _ => Verdict::Withheld,
    }
}

/// The ratios of the rounds in which both parts were measured.
pub fn ratios(over: &[Option<f64>], under: &[Option<f64>]) -> Vec<f64> {
    let pairs = over.iter().zip(under);
    pairs.filter_map(|(a, b)| Some((*a)? / (*b).filter(|b| *b != 0.0)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_trimming() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0]), Some(Spread { median: 2.0, low: 1.0, high: 3.0 }));
        assert_eq!(spread(&[9.0, 1.0, 2.0]), Some(Spread { median: 2.0, low: 1.0, high: 9.0 }));
        let five = spread(&[100.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!(five, Some(Spread { median: 3.0, low: 2.0, high: 4.0 }));
    }

    #[test]
    fn a_bound_inside_the_spread_withholds_the_verdict() {
        let s = Spread { median: 1.5, low: 1.4, high: 1.6 };
        assert_eq!(verdict(s, Bound::Most(2.0)), Verdict::Met);
        assert_eq!(verdict(s, Bound::Most(1.6)), Verdict::Met);
        assert_eq!(verdict(s, Bound::Most(1.5)), Verdict::Withheld);
        assert_eq!(verdict(s, Bound::Most(1.3)), Verdict::Missed);
        assert_eq!(verdict(s, Bound::Least(1.4)), Verdict::Met);
        assert_eq!(verdict(s, Bound::Least(1.5)), Verdict::Withheld);
        assert_eq!(verdict(s, Bound::Least(1.7)), Verdict::Missed);
        assert_eq!(verdict(s, Bound::Report), Verdict::Reported);
    }

    #[test]
    fn ratios_pair_within_a_round() {
        let r = ratios(&[Some(4.0), None, Some(9.0)], &[Some(2.0), Some(1.0), Some(3.0)]);
        assert_eq!(r, [2.0, 3.0]);
        assert!(ratios(&[Some(1.0)], &[Some(0.0)]).is_empty());
    }
}
