//! What a step of the test run gives, and the sum of several; why something could not be made.

/// Counts of one step, or of several added up. A step that could not run is neither passed nor
/// failed: it is skipped, by name and with the reason, so that a closing line never hides what was
/// not looked at.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// Checks that held.
    pub passed: u64,
    /// Checks that did not.
    pub failed: u64,
    /// Name of what was not checked, and why.
    pub skipped: Vec<(String, String)>,
    /// What whoever reads the output may want to know: versions, sizes.
    pub notes: Vec<String>,
}

impl Outcome {
    /// One check, held or not.
    pub fn check(held: bool) -> Outcome {
        Outcome { passed: u64::from(held), failed: u64::from(!held), ..Outcome::default() }
    }

    /// Nothing but `name`, skipped because of `why`.
    pub fn skip(name: impl Into<String>, why: impl Into<String>) -> Outcome {
        Outcome { skipped: vec![(name.into(), why.into())], ..Outcome::default() }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: Outcome) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
        self.notes.extend(other.notes);
    }
}

/// Why something was not made or measured.
#[derive(Debug, Clone)]
pub enum Fail {
    /// It can't be done on this machine.
    Cannot(String),
    /// Anything else.
    Broken(String),
}

impl Fail {
    /// Of a step that goes on without `what`: skipped, or failed.
    pub fn outcome(self, what: &str, trouble: &mut Vec<String>) -> Outcome {
        match self {
            Fail::Cannot(why) => Outcome::skip(what, why),
            Fail::Broken(why) => {
                trouble.push(format!("{what}: {why}"));
                Outcome::check(false)
            }
        }
    }
}
