use rwsgi_os::Pid;

use crate::{
    Occasion,
    event::{Action, Exit, Fact, Word},
    supervisor::{Phase, Supervisor},
};

/// The masters before and after this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upgrade {
    successor: Successor,
    /// Whether the master that started this one is still there.
    predecessor: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Successor {
    None,
    Ordered,
    Running(Pid),
}

impl Upgrade {
    pub(super) fn beginning(predecessor: bool) -> Self {
        Self { successor: Successor::None, predecessor }
    }

    pub(super) fn is_ordered(self) -> bool {
        self.successor == Successor::Ordered
    }

    pub(super) fn is_successor(self, pid: Pid) -> bool {
        self.successor == Successor::Running(pid)
    }

    pub(super) fn successor(self) -> Option<Pid> {
        match self.successor {
            Successor::Running(pid) => Some(pid),
            Successor::None | Successor::Ordered => None,
        }
    }

    pub(super) fn forget_successor(&mut self) {
        self.successor = Successor::None;
    }
}

impl Supervisor {
    pub(super) fn begin_upgrade(&mut self) {
        let successor = self.upgrade.successor != Successor::None;
        if successor || self.upgrade.predecessor {
            return self.log(Fact::UpgradeIgnored { successor });
        }
        self.upgrade.successor = Successor::Ordered;
        self.announce_to(self.generations.current, Occasion::Executing);
        self.out.push(Action::StartSuccessor);
    }

    pub(super) fn successor_started(&mut self, pid: Pid) {
        self.upgrade.successor = Successor::Running(pid);
        self.out.push(Action::SetSucceeded(true));
        self.log(Fact::UpgradeBegun(pid));
        if let Phase::Stopping(_) = self.phase {
            self.tell(Word::MainPid(pid));
        }
    }

    pub(super) fn successor_exited(&mut self, exit: Exit) {
        self.upgrade.forget_successor();
        self.out.push(Action::SetSucceeded(false));
        self.log(Fact::SuccessorExited(exit));
    }

    pub(super) fn predecessor_gone(&mut self) {
        if std::mem::take(&mut self.upgrade.predecessor) {
            self.out.push(Action::Promote);
            self.log(Fact::Promoted);
            if self.ever_ready && self.reload.is_none() {
                // What this master said before was said by a stranger, and the predecessor may have ended within a reload.
                self.tell(Word::Ready);
            }
        }
    }
}
