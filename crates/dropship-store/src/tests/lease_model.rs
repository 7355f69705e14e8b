//! A model of two nodes, the lease, the intent of one create, and answers that are lost or late, searched exhaustively.
//!
//! It is coarser than the code: one job, one create, and time in ticks. It shows that the rules suffice, and that each of them is needed:
//! the lease is checked right before a call is sent, and a create in doubt is searched for again after the time in which it may still
//! take effect.

use std::collections::HashSet;

/// The rules, in ticks.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// Term of a lease.
    term: u8,
    /// The node's own lease ends that much earlier.
    margin: u8,
    /// Whether the lease is checked before a call.
    checks: bool,
    /// Maximum time between the check and the call.
    pause: u8,
    /// Maximum time after which a call that was sent takes effect.
    late: u8,
    /// How long a create in doubt is waited for.
    uncertain: u8,
}

const RULES: Rules = Rules { term: 3, margin: 1, checks: true, pause: 1, late: 2, uncertain: 2 };

/// The last tick of the model.
const END: u8 = 11;

/// Takeovers and repeated creates that the model follows.
const MOST: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    /// Has no lease, or has just started.
    Out,
    /// No create was intended yet.
    Ready,
    /// The intent is in the journal.
    Intended,
    /// The lease was checked at this time.
    Checked(u8),
    /// The call was sent, and its answer is awaited.
    Sent,
    /// The create is in doubt.
    Doubt,
    /// It was not found; it is searched for again at this time.
    Waiting(u8),
    /// The object is known.
    Done,
    /// Another node has taken over.
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    phase: Phase,
    /// When the lease was asked for.
    asked: Option<u8>,
    /// The length of the journal that it knows.
    known: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    now: u8,
    nodes: [Node; 2],
    holder: Option<usize>,
    deadline: u8,
    /// Number of lines.
    journal: u8,
    intents: u8,
    takeovers: u8,
    is_known: bool,
    /// Times at which calls were sent that have neither taken effect nor been lost.
    calls: Vec<u8>,
    /// Objects at the service.
    objects: u8,
}

impl State {
    fn start() -> Self {
        let node = Node { phase: Phase::Out, asked: None, known: 0 };
        Self {
            now: 0,
            nodes: [node.clone(), node],
            holder: None,
            deadline: 0,
            journal: 0,
            intents: 0,
            takeovers: 0,
            is_known: false,
            calls: Vec::new(),
            objects: 0,
        }
    }

    /// Appends a line, if the node knows the end of the journal; otherwise the node ends.
    fn append(&mut self, node: usize, then: Phase) {
        if self.nodes[node].known != self.journal {
            self.nodes[node].phase = Phase::Ended;
            return;
        }
        self.journal += 1;
        self.nodes[node].known = self.journal;
        self.nodes[node].phase = then;
        match then {
            Phase::Intended => self.intents += 1,
            Phase::Done => self.is_known = true,
            _ => {}
        }
    }

    /// The state after a change.
    fn with(&self, change: &dyn Fn(&mut Self)) -> Self {
        let mut state = self.clone();
        change(&mut state);
        state
    }

    /// The states that can follow.
    fn next(&self, rules: &Rules) -> Vec<Self> {
        let mut next = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| next.push(self.with(change));
        if self.now < END {
            with(&|state| {
                state.now += 1;
                state.calls.retain(|sent| state.now <= sent + rules.late);
            });
        }
        for call in 0..self.calls.len() {
            with(&|state| {
                state.calls.remove(call);
                state.objects += 1;
            });
            with(&|state| {
                state.calls.remove(call);
            });
        }
        for node in 0..2 {
            self.next_of(rules, node, &mut next);
        }
        next
    }

    /// What a node can do. A node that does nothing is frozen.
    fn next_of(&self, rules: &Rules, node: usize, next: &mut Vec<Self>) {
        let mut with = |change: &dyn Fn(&mut Self)| next.push(self.with(change));
        let (phase, now) = (self.nodes[node].phase, self.now);
        let has_lease = self.holder == Some(node);
        if has_lease && self.nodes[node].asked != Some(now) && phase != Phase::Out {
            with(&|state| {
                state.deadline = now + rules.term;
                state.nodes[node].asked = Some(now);
            });
        }
        if phase != Phase::Out && self.takeovers < MOST {
            // It is killed, and starts again.
            with(&|state| state.nodes[node] = Node { phase: Phase::Out, asked: None, known: 0 });
        }
        match phase {
            Phase::Out => {
                let is_free = self.holder.is_none() || self.deadline < now;
                if is_free && self.takeovers < MOST {
                    with(&|state| {
                        state.takeovers += 1;
                        (state.holder, state.deadline) = (Some(node), now + rules.term);
                        state.journal += 1;
                        let phase = match (state.is_known, state.intents) {
                            (true, _) => Phase::Done,
                            (false, 0) => Phase::Ready,
                            _ => Phase::Doubt,
                        };
                        state.nodes[node] = Node { phase, asked: Some(now), known: state.journal };
                    });
                }
            }
            Phase::Ready => with(&|state| state.append(node, Phase::Intended)),
            Phase::Intended => {
                let own_end = self.nodes[node].asked.map(|asked| asked + rules.term - rules.margin);
                if !rules.checks || own_end.is_some_and(|end| now < end) {
                    with(&|state| state.nodes[node].phase = Phase::Checked(now));
                }
            }
            Phase::Checked(at) if now <= at + rules.pause => with(&|state| {
                state.calls.push(now);
                state.nodes[node].phase = Phase::Sent;
            }),
            Phase::Checked(_) => with(&|state| state.nodes[node].phase = Phase::Intended),
            Phase::Sent => {
                with(&|state| state.nodes[node].phase = Phase::Doubt);
                if self.objects > 0 {
                    with(&|state| state.append(node, Phase::Done));
                }
            }
            Phase::Doubt if self.objects > 0 => with(&|state| state.append(node, Phase::Done)),
            Phase::Doubt => with(&|state| state.nodes[node].phase = Phase::Waiting(now + rules.uncertain)),
            Phase::Waiting(until) if now > until && self.objects > 0 => {
                with(&|state| state.append(node, Phase::Done));
            }
            Phase::Waiting(until) if now > until && self.intents < MOST => {
                with(&|state| state.append(node, Phase::Intended));
            }
            Phase::Waiting(_) | Phase::Done | Phase::Ended => {}
        }
    }
}

/// Searches all states; returns one with two objects, and whether a node ever learns of exactly one object.
fn search(rules: &Rules) -> (Option<State>, bool, usize) {
    let mut seen = HashSet::from([State::start()]);
    let (mut open, mut succeeds) = (vec![State::start()], false);
    while let Some(state) = open.pop() {
        if state.objects > 1 {
            return (Some(state), succeeds, seen.len());
        }
        succeeds |= state.is_known && state.takeovers > 1 && state.intents > 1;
        for state in state.next(rules) {
            if seen.insert(state.clone()) {
                open.push(state);
            }
        }
    }
    (None, succeeds, seen.len())
}

#[test]
fn freezes_kills_and_late_answers_in_any_order_create_no_second_object() {
    let (doubled, succeeds, states) = search(&RULES);
    assert_eq!(doubled, None);
    assert!(succeeds && states > 10_000, "{states} states");
}

#[test]
fn each_rule_of_the_lease_is_needed() {
    let broken = [
        ("the lease is not checked", Rules { checks: false, ..RULES }),
        ("the create is not waited for", Rules { uncertain: 0, ..RULES }),
        ("it is waited for too shortly", Rules { uncertain: 1, late: 3, ..RULES }),
        ("a call is sent long after the check", Rules { pause: 6, ..RULES }),
    ];
    for (what, rules) in broken {
        assert!(search(&rules).0.is_some(), "{what}: no counterexample");
    }
}
