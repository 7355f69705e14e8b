//! Globs as automata: a match takes time in proportion to text and glob, for every content.

use std::collections::BTreeSet;

use super::char_set::CharSet;
use super::fold::fold;
use super::parse::GlobPart;

/// A state, and how it is left. It is small, because a configuration can have megabytes of globs.
#[derive(Debug, Clone)]
enum NfaState {
    /// By each character that folds to this one, to the next state.
    Letter(char),
    /// By one of these characters, to the next state.
    One(Box<CharSet>),
    /// By any character, to itself; without a character, to the next state.
    Star,
    /// Without a character, to one of these states.
    Fork(Box<[usize]>),
    /// The text ends here.
    End,
}

/// A glob as an automaton without a fixed next state for each character.
#[derive(Debug, Clone)]
pub(super) struct Nfa(Vec<NfaState>);

impl Nfa {
    pub(super) fn of(parts: &[GlobPart]) -> Self {
        let mut states = Vec::new();
        sequence(parts, &mut states);
        states.push(NfaState::End);
        states.shrink_to_fit();
        Self(states)
    }

    /// The automaton that every text matches.
    pub(super) fn anything() -> Self {
        Self::of(&[GlobPart::Star])
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        let mut states = Vec::new();
        let mut marks = vec![false; self.0.len()];
        self.enter(0, &mut states, &mut marks);
        for c in text.chars() {
            let folded = fold(c);
            let mut next = Vec::new();
            marks.fill(false);
            for state in states {
                match &self.0[state] {
                    NfaState::Letter(letter) if *letter == folded => {
                        self.enter(state + 1, &mut next, &mut marks);
                    }
                    NfaState::One(set) if set.contains(c) => self.enter(state + 1, &mut next, &mut marks),
                    NfaState::Star => self.enter(state, &mut next, &mut marks),
                    NfaState::Letter(_) | NfaState::One(_) | NfaState::Fork(_) | NfaState::End => {}
                }
            }
            if next.is_empty() {
                return false;
            }
            states = next;
        }
        states.iter().any(|state| matches!(self.0[*state], NfaState::End))
    }

    /// Adds a state, and those that are reached from it without a character.
    fn enter(&self, state: usize, found: &mut Vec<usize>, marks: &mut [bool]) {
        if std::mem::replace(&mut marks[state], true) {
            return;
        }
        match &self.0[state] {
            NfaState::Fork(targets) => targets.iter().for_each(|target| self.enter(*target, found, marks)),
            NfaState::Star => {
                found.push(state);
                self.enter(state + 1, found, marks);
            }
            NfaState::Letter(_) | NfaState::One(_) | NfaState::End => found.push(state),
        }
    }

    fn reachable(&self, state: usize) -> Vec<usize> {
        let (mut found, mut marks) = (Vec::new(), vec![false; self.0.len()]);
        self.enter(state, &mut found, &mut marks);
        found
    }

    /// Whether a text of these characters exists that both automata match.
    pub(super) fn meets(&self, other: &Self, alphabet: &CharSet) -> bool {
        let mut open = Vec::new();
        let mut seen = BTreeSet::new();
        let mut visit = |left_state: usize, right_state: usize, open: &mut Vec<(usize, usize)>| {
            let right_states = other.reachable(right_state);
            for a in self.reachable(left_state) {
                open.extend(right_states.iter().map(|b| (a, *b)).filter(|pair| seen.insert(*pair)));
            }
        };
        visit(0, 0, &mut open);
        while let Some((a, b)) = open.pop() {
            let (left, right) = (&self.0[a], &other.0[b]);
            if matches!((left, right), (NfaState::End, NfaState::End)) {
                return true;
            }
            let Some((left, left_state)) = step(left, a) else { continue };
            let Some((right, right_state)) = step(right, b) else { continue };
            if !left.shared(&right).shared(alphabet).is_empty() {
                visit(left_state, right_state, &mut open);
            }
        }
        false
    }
}

/// The characters that leave a state, and where they lead.
fn step(state: &NfaState, at: usize) -> Option<(CharSet, usize)> {
    match state {
        NfaState::Letter(letter) => Some((CharSet::letter(*letter), at + 1)),
        NfaState::One(set) => Some((CharSet::clone(set), at + 1)),
        NfaState::Star => Some((CharSet::all(), at)),
        NfaState::Fork(_) | NfaState::End => None,
    }
}

fn sequence(parts: &[GlobPart], states: &mut Vec<NfaState>) {
    for part in parts {
        match part {
            GlobPart::Letter(c) => states.push(NfaState::Letter(fold(*c))),
            GlobPart::One(set) => states.push(NfaState::One(Box::new(set.clone()))),
            GlobPart::Star => states.push(NfaState::Star),
            GlobPart::Choice(choices) => choice(choices, states),
        }
    }
}

/// A fork to each alternative; each ends in a fork to what follows them all.
fn choice(choices: &[Vec<GlobPart>], states: &mut Vec<NfaState>) {
    let fork = states.len();
    states.push(NfaState::Fork(Box::default()));
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for parts in choices {
        starts.push(states.len());
        sequence(parts, states);
        ends.push(states.len());
        states.push(NfaState::Fork(Box::default()));
    }
    let after = states.len();
    states[fork] = NfaState::Fork(starts.into());
    for end in ends {
        states[end] = NfaState::Fork([after].into());
    }
}
