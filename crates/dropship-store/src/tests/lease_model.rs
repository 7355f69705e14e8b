//! A model of two nodes, the lease, the intent of one create, and answers that are lost or late, searched exhaustively.
//!
//! It is coarser than the code: one job, one create, and time in ticks, which are counted from or to what happened, so that there are
//! finitely many states without an end of time. It shows that the rules suffice, and that each of them is needed: a search without one of
//! them finds a counterexample.
//!
//! A node that does nothing is frozen, also between any two steps: between the check of its lease and the call, between a search and the
//! line that follows from it, between the grant of a renewal and its answer. A call that was sent takes effect at any time within `late`, or
//! never, whatever happens to its node.
//!
//! The rules, the transitions and the search are in one file, although it is long: a reader compares each transition with the rules.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The rules, in ticks, and the one that is broken.
#[derive(Debug, Clone, Copy)]
struct ProtocolRules {
    /// Term of a lease.
    term: u8,
    /// The node's own lease ends that much earlier.
    margin: u8,
    /// Maximum time by which the clock of the first node falls behind that of the database.
    drift: u8,
    /// Maximum time between the check and the call.
    pause: u8,
    /// Maximum time after which a call that was sent takes effect.
    late: u8,
    /// How long a create in doubt is waited for.
    uncertain: u8,
    broken: Option<ProtocolRule>,
    /// Number of takeovers, and of intents, that are followed.
    most: u8,
}

/// The rules of the protocol, besides its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProtocolRule {
    /// The lease is compared with the clock before a call.
    LeaseIsChecked,
    /// A lease is measured from before it was asked for, and not from its answer.
    MeasuredFromBefore,
    /// The lease of another node is taken after its deadline only.
    DeadlineIsWaitedFor,
    /// A node gives up its lease only when it will send nothing any more.
    ReleaseIsLast,
    /// The intent of a create is in the journal before the call.
    IntentComesFirst,
    /// An intent that another process has left is in doubt.
    IntentIsReconciled,
    /// A create in doubt is waited for from when the process took over, and not from its intent.
    WaitBeginsAtTakeover,
    /// A line is appended only by a process that knows all lines before it.
    AppendIsFenced,
}

const RULES: ProtocolRules =
    ProtocolRules { term: 3, margin: 1, drift: 2, pause: 1, late: 2, uncertain: 2, broken: None, most: 3 };

/// A counterexample needs no more than two takeovers.
const SHORT: ProtocolRules = ProtocolRules { most: 2, ..RULES };

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    /// Has no lease: it has just started, or it has ended and is started again.
    Out,
    /// No create was intended yet.
    Ready,
    /// The intent is in the journal.
    Intended,
    /// The lease was checked this long ago.
    Checked(u8),
    /// The call was sent, and its answer is awaited.
    Sent,
    /// The create is in doubt.
    Doubt,
    /// It was not found; it is searched for again after this time.
    Waiting(u8),
    /// The second search did not find it either.
    NotFound,
    /// The object is known.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ModelNode {
    phase: Phase,
    /// Time by the node's clock since it asked for its lease; at most the term.
    lease: u8,
    /// The same for a renewal that was granted, and whose answer is not read yet.
    renewing: Option<u8>,
    /// Whether it knows every line of the journal.
    is_current: bool,
}

impl ModelNode {
    /// A process without a lease.
    fn in_phase(phase: Phase) -> Self {
        Self { phase, lease: u8::MAX, renewing: None, is_current: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ModelState {
    /// How far the clock of the first node is behind.
    behind: u8,
    nodes: [ModelNode; 2],
    holder: Option<usize>,
    /// Time until the lease can be taken.
    deadline: u8,
    intents: u8,
    takeovers: u8,
    /// Time since the last intent; counted only by the search that breaks the rule about it.
    intended: u8,
    is_known: bool,
    /// Whether an intent follows the line that the object is known.
    is_forked: bool,
    /// Times since calls were sent that have neither taken effect nor been lost.
    calls: [Option<u8>; 2],
    /// Objects at the service.
    objects: u8,
}

/// Adds the state after a change to those that can follow.
type Add<'a> = &'a mut dyn FnMut(&dyn Fn(&mut ModelState));

/// What must not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Violation {
    /// Two objects were created.
    Doubled,
    /// A create was intended of an object that was known.
    Forked,
}

impl ModelState {
    fn start() -> Self {
        Self {
            behind: 0,
            nodes: [ModelNode::in_phase(Phase::Out); 2],
            holder: None,
            deadline: 0,
            intents: 0,
            takeovers: 0,
            intended: 0,
            is_known: false,
            is_forked: false,
            calls: [None; 2],
            objects: 0,
        }
    }

    fn violation(&self) -> Option<Violation> {
        match self {
            Self { objects: 2.., .. } => Some(Violation::Doubled),
            Self { is_forked: true, .. } => Some(Violation::Forked),
            _ => None,
        }
    }

    /// A line of this node is at the end of the journal.
    fn line_of(&mut self, node: usize) {
        self.nodes.iter_mut().enumerate().for_each(|(other, one)| one.is_current = other == node);
    }

    /// Appends a line, if the node knows the end of the journal; otherwise the node ends.
    fn append(&mut self, rules: &ProtocolRules, node: usize, then: Phase) {
        if !self.nodes[node].is_current && rules.broken != Some(ProtocolRule::AppendIsFenced) {
            self.nodes[node] = ModelNode::in_phase(Phase::Out);
            return;
        }
        self.line_of(node);
        self.nodes[node].phase = then;
        match then {
            Phase::Intended => {
                self.intents += 1;
                self.intended = 0;
                self.is_forked |= self.is_known;
            }
            Phase::Done => {
                self.is_known = true;
                self.nodes[node].lease = rules.term;
                self.nodes[node].renewing = None;
            }
            _ => {}
        }
    }

    /// A process of the node takes over: it knows the journal, and has appended its line.
    fn take_over(&mut self, rules: &ProtocolRules, node: usize) {
        self.takeovers += 1;
        (self.holder, self.deadline) = (Some(node), rules.term + 1);
        let phase = match (self.is_known, self.intents) {
            (true, _) => Phase::Done,
            (false, 0) => Phase::Ready,
            _ if rules.broken == Some(ProtocolRule::IntentIsReconciled) => Phase::Intended,
            _ => Phase::Doubt,
        };
        self.nodes[node] = ModelNode { lease: 0, ..ModelNode::in_phase(phase) };
        self.line_of(node);
    }

    /// Time passes; by the clock of the first node it may not.
    fn tick(&mut self, rules: &ProtocolRules, is_slow: bool) {
        self.behind += u8::from(is_slow);
        self.deadline = self.deadline.saturating_sub(1);
        if rules.broken == Some(ProtocolRule::WaitBeginsAtTakeover) {
            self.intended = (self.intended + 1).min(rules.uncertain + 1);
        }
        for (number, node) in self.nodes.iter_mut().enumerate() {
            let passed = u8::from(number > 0 || !is_slow);
            node.lease = node.lease.saturating_add(passed).min(rules.term);
            node.renewing = node.renewing.map(|since| (since + passed).min(rules.term));
            node.phase = match node.phase {
                Phase::Checked(since) => Phase::Checked((since + 1).min(rules.pause + 1)),
                Phase::Waiting(rest) => Phase::Waiting(rest.saturating_sub(1)),
                phase => phase,
            };
        }
        for call in &mut self.calls {
            *call = call.map(|since| since + 1).filter(|since| *since <= rules.late);
        }
        self.calls.sort_unstable();
    }

    fn has_room_for_call(&self) -> bool {
        self.calls.contains(&None)
    }

    fn send(&mut self, node: usize) {
        if let Some(free) = self.calls.iter_mut().find(|call| call.is_none()) {
            *free = Some(0);
        }
        self.calls.sort_unstable();
        self.nodes[node].phase = Phase::Sent;
    }

    /// The states that can follow.
    fn next(&self, rules: &ProtocolRules) -> Vec<Self> {
        let mut next = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut state = *self;
            change(&mut state);
            next.push(state);
        };
        with(&|state| state.tick(rules, false));
        if self.behind < rules.drift {
            with(&|state| state.tick(rules, true));
        }
        for call in 0..self.calls.len() {
            if self.calls[call].is_some() {
                with(&|state| {
                    state.calls[call] = None;
                    state.calls.sort_unstable();
                    state.objects += 1;
                });
            }
        }
        for node in 0..2 {
            self.next_of_lease(rules, node, &mut with);
            self.next_of_create(rules, node, &mut with);
        }
        next
    }

    /// What a node can do about the lease.
    fn next_of_lease(&self, rules: &ProtocolRules, node: usize, with: Add<'_>) {
        let (ModelNode { phase, lease, renewing, .. }, has_lease) =
            (self.nodes[node], self.holder == Some(node));
        if phase == Phase::Out {
            // An earlier process of the same node has ended: the folder has a lock.
            let is_free = self.deadline == 0 || self.holder.is_none_or(|holder| holder == node);
            let is_free = is_free || rules.broken == Some(ProtocolRule::DeadlineIsWaitedFor);
            if is_free && self.takeovers < rules.most {
                with(&|state| state.take_over(rules, node));
            }
            return;
        }
        if self.takeovers < rules.most {
            // It is killed, and starts again.
            with(&|state| state.nodes[node] = ModelNode::in_phase(Phase::Out));
        }
        if has_lease && phase != Phase::Done && renewing.is_none() && lease > 0 {
            with(&|state| {
                state.deadline = rules.term + 1;
                state.nodes[node].renewing = Some(0);
            });
        }
        if let Some(since) = renewing {
            let since = if rules.broken == Some(ProtocolRule::MeasuredFromBefore) { 0 } else { since };
            with(&|state| {
                state.nodes[node].lease = since;
                state.nodes[node].renewing = None;
            });
        }
        // It shuts down. Its workers have ended then.
        let is_early = rules.broken == Some(ProtocolRule::ReleaseIsLast);
        if has_lease && (is_early || !matches!(phase, Phase::Checked(_))) {
            with(&|state| {
                state.holder = None;
                if !is_early {
                    state.nodes[node] = ModelNode::in_phase(Phase::Out);
                }
            });
        }
    }

    /// What a node can do about the create.
    fn next_of_create(&self, rules: &ProtocolRules, node: usize, with: Add<'_>) {
        let ModelNode { phase, lease, .. } = self.nodes[node];
        let is_unchecked = rules.broken == Some(ProtocolRule::LeaseIsChecked);
        let may_send = is_unchecked || lease < rules.term - rules.margin;
        let mut goes_to = |phase: Phase| with(&|state| state.nodes[node].phase = phase);
        match phase {
            Phase::Ready if rules.broken == Some(ProtocolRule::IntentComesFirst) => {
                if may_send {
                    goes_to(Phase::Checked(0));
                }
            }
            Phase::Ready => with(&|state| state.append(rules, node, Phase::Intended)),
            Phase::Intended if may_send => goes_to(Phase::Checked(0)),
            Phase::Checked(since) if since <= rules.pause => {
                if self.has_room_for_call() {
                    with(&|state| state.send(node));
                }
            }
            // A freeze that is longer than the model allows for: see docs/fleet.md.
            Phase::Checked(_) => goes_to(Phase::Intended),
            Phase::Sent => {
                goes_to(Phase::Doubt);
                if self.objects > 0 {
                    with(&|state| state.append(rules, node, Phase::Done));
                }
            }
            Phase::Doubt if self.objects > 0 => with(&|state| state.append(rules, node, Phase::Done)),
            Phase::Doubt => {
                let is_early = rules.broken == Some(ProtocolRule::WaitBeginsAtTakeover);
                let passed = if is_early { self.intended } else { 0 };
                goes_to(Phase::Waiting(rules.uncertain + 1 - passed));
            }
            Phase::Waiting(0) if self.objects > 0 => {
                with(&|state| state.append(rules, node, Phase::Done));
            }
            Phase::Waiting(0) => goes_to(Phase::NotFound),
            Phase::NotFound if self.intents < rules.most => {
                with(&|state| state.append(rules, node, Phase::Intended));
            }
            Phase::Out | Phase::Intended | Phase::Waiting(_) | Phase::NotFound | Phase::Done => {}
        }
    }
}

/// What a search has found.
#[derive(Debug, Default)]
struct SearchResult {
    states: usize,
    /// The states from the start to one that must not be.
    counterexample: Option<(Violation, Vec<ModelState>)>,
    /// Whether a process learns of its object after another one took over with the create in doubt, and repeated it.
    succeeds: bool,
    /// Whether a call of an earlier process takes effect after another one took over.
    is_late: bool,
}

/// Searches all states, until one violates the protocol.
fn search(rules: &ProtocolRules) -> SearchResult {
    let mut from: HashMap<ModelState, Option<ModelState>> = HashMap::from([(ModelState::start(), None)]);
    let (mut open, mut found) = (vec![ModelState::start()], SearchResult::default());
    while let Some(state) = open.pop() {
        if let Some(violation) = state.violation() {
            let mut way = vec![state];
            while let Some(Some(before)) = way.last().and_then(|last| from.get(last)) {
                way.push(*before);
            }
            way.reverse();
            found.counterexample = Some((violation, way));
            break;
        }
        found.succeeds |= state.is_known && state.takeovers > 1 && state.intents > 1;
        let in_doubt = |node: &ModelNode| matches!(node.phase, Phase::Doubt | Phase::Waiting(_));
        for next in state.next(rules) {
            found.is_late |= next.objects > state.objects && state.nodes.iter().any(in_doubt);
            if let Entry::Vacant(place) = from.entry(next) {
                place.insert(Some(state));
                open.push(next);
            }
        }
    }
    found.states = from.len();
    found
}

#[test]
fn freezes_kills_and_late_answers_in_any_order_break_nothing() {
    let found = search(&RULES);
    assert!(found.counterexample.is_none(), "{:#?}", found.counterexample);
    assert!(found.succeeds && found.is_late && found.states > 100_000, "{} states", found.states);
}

#[test]
fn protocol_without_one_of_its_rules_has_a_counterexample() {
    let rules = [
        (ProtocolRule::LeaseIsChecked, Violation::Doubled),
        (ProtocolRule::MeasuredFromBefore, Violation::Doubled),
        (ProtocolRule::DeadlineIsWaitedFor, Violation::Doubled),
        (ProtocolRule::ReleaseIsLast, Violation::Doubled),
        (ProtocolRule::IntentComesFirst, Violation::Doubled),
        (ProtocolRule::IntentIsReconciled, Violation::Doubled),
        (ProtocolRule::WaitBeginsAtTakeover, Violation::Doubled),
        (ProtocolRule::AppendIsFenced, Violation::Forked),
    ];
    for (rule, violation) in rules {
        let found = search(&ProtocolRules { broken: Some(rule), ..SHORT });
        let (counterexample, way) = found
            .counterexample
            .unwrap_or_else(|| panic!("{rule:?}: no counterexample in {} states", found.states));
        assert_eq!(counterexample, violation, "{rule:?}: {way:#?}");
    }
}

#[test]
fn protocol_with_one_time_out_of_bounds_has_a_counterexample() {
    let times = [
        ("the lease has no margin", ProtocolRules { margin: 0, ..SHORT }),
        ("the clock falls further behind than the margin allows for", ProtocolRules { drift: 3, ..SHORT }),
        ("the node is frozen between the check and the call", ProtocolRules { pause: 2, ..SHORT }),
        ("the create is not waited for", ProtocolRules { uncertain: 0, ..SHORT }),
        ("the create is waited for too shortly", ProtocolRules { uncertain: 1, ..SHORT }),
        ("the call takes effect later than it is waited for", ProtocolRules { late: 3, ..SHORT }),
    ];
    for (what, rules) in times {
        let found = search(&rules).counterexample.map(|(violation, _)| violation);
        assert_eq!(found, Some(Violation::Doubled), "{what}");
    }
}
