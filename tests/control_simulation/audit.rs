//! The auditor: what must hold after every step, and what at the end.

use edgemeter::ledger::Ledger;
use edgemeter::units::Credits;

use super::World;

impl World {
    pub(super) fn audit(&mut self) {
        let seed = self.seed;
        assert_eq!(self.ledger.audit(), Ok(()), "SEED={seed}");
        let balance = self.ledger.balance().unwrap();
        assert_eq!(balance.granted, self.granted, "SEED={seed}");
        let parts = [balance.available, balance.held, balance.burned, balance.expired];
        assert_eq!(Credits::sum(parts).unwrap(), self.granted, "SEED={seed}: conservation");
        assert!(balance.held >= balance.unreported, "SEED={seed}");
        let (served, granted) = (self.served_sum, self.granted);
        // Stronger than served ≤ granted: what was served is burned, or nobody else can spend it.
        let parts = [balance.burned, balance.held, self.returned];
        let most = Credits::sum(parts).unwrap();
        assert!(served <= most, "SEED={seed}: served {served} of {granted}, {most} spent or held");
        assert!(balance.unpaid <= self.returned, "SEED={seed}: {} unpaid", balance.unpaid);
    }

    pub(super) fn final_audit(&mut self) {
        let seed = self.seed;
        let balance = self.ledger.balance().unwrap();
        assert_eq!(balance.held, balance.unreported, "SEED={seed}: no lease is open");
        if self.crashes == 0 {
            assert_eq!(balance.unreported, Credits::ZERO, "SEED={seed}: nothing is stranded");
        }
        let served = Credits::sum(self.served.values().copied()).unwrap();
        assert_eq!(served, self.served_sum, "SEED={seed}");
        let lost = balance.unreported.plus(self.returned).unwrap();
        let short = served.minus(balance.burned).unwrap();
        // A debit may be burned while its isolate dies, or its refund die with it: only then is
        // more burned than served.
        let unserved = short.plus(self.for_nobody).unwrap();
        assert!(!unserved.is_negative(), "SEED={seed}: {short} burned for what was not served");
        assert!(short <= lost, "SEED={seed}: {short} not burned, {lost} on record");
        let mut replayed = Ledger::replay(&self.journal).unwrap();
        replayed.advance(self.ledger.clock());
        assert!(replayed == self.ledger, "SEED={seed}: the journal is complete");
    }
}
