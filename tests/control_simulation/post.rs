//! The network: every message and every answer may be lost, late, repeated or overtaken.

use edgemeter::control::{Answer, Request, serve};
use edgemeter::units::Timestamp;

use super::{Letter, World};

impl World {
    pub(super) fn send(&mut self, isolate: usize, request: Request) {
        let sent = self.clock(isolate);
        self.letters += 1;
        let ticket = self.letters;
        self.isolates[isolate].tickets.insert(ticket);
        let copies = if self.rng.chance(10) { 2 } else { 1 };
        for _ in 0..copies {
            let letter = Letter::Ask { isolate, ticket, request: request.clone(), sent };
            self.mail(letter);
        }
    }

    fn mail(&mut self, letter: Letter) {
        // Some are slow enough to meet a lease that ended.
        if self.rng.chance(self.storm) {
            return self.lose(letter);
        }
        let delay = match self.rng.below(50) {
            n if n * 8 < self.storm => 30_000,
            1..=4 => 2_000,
            _ => self.rng.below(30) as i64,
        };
        self.letters += 1;
        self.post.insert((self.now + delay, self.letters), letter);
    }

    /// The isolate gives the message up, whether or not it arrived.
    fn lose(&mut self, letter: Letter) {
        let (Letter::Ask { isolate, ticket, request, .. }
        | Letter::Reply { isolate, ticket, request, .. }) = letter;
        if self.isolates[isolate].tickets.remove(&ticket) {
            self.isolates[isolate].client.unanswered(&request);
            self.isolates[isolate].failed += u64::from(request.debit.is_some());
        }
    }

    pub(super) fn deliver(&mut self) {
        while let Some((&(at, number), _)) = self.post.first_key_value() {
            if at > self.now {
                break;
            }
            match self.post.remove(&(at, number)).unwrap() {
                Letter::Ask { isolate, ticket, request, sent } => {
                    let plan = self.plan.clone();
                    let mut denials = std::mem::take(&mut self.denials);
                    let answer =
                        self.visit(|session| serve(session, &plan, &mut denials, &request));
                    let answer = answer.unwrap();
                    self.denials = denials;
                    self.mail(Letter::Reply { isolate, ticket, request, answer, sent });
                }
                Letter::Reply { isolate, ticket, request, answer, sent } => {
                    self.reply(isolate, ticket, &request, answer, sent);
                }
            }
        }
    }

    fn reply(
        &mut self,
        isolate: usize,
        ticket: u64,
        request: &Request,
        answer: Answer,
        sent: Timestamp,
    ) {
        if !self.isolates[isolate].tickets.remove(&ticket) {
            return;
        }
        let now = self.clock(isolate);
        let client = &mut self.isolates[isolate].client;
        if let Some(admission) = client.answered(request, answer, sent, now).unwrap() {
            self.decided(isolate, admission);
        }
    }
}
