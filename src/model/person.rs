//! The Zendesk user a session belongs to.

use jiff::Timestamp;

use super::{Foreign, UserId};

/// What a person may do in the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A customer.
    EndUser,
    /// Staff: any agent, light and chat agents included.
    Agent,
    /// Staff with all rights.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: &[Self] = &[Self::EndUser, Self::Agent, Self::Admin];

    /// Zendesk's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::EndUser => "end-user",
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// The role with Zendesk's word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.word() == word)
    }
}

/// Zendesk's finer kind of staff role (`role_type`, numbers 0 to 5 in the API).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleType {
    /// A custom role.
    Custom,
    /// A light agent.
    Light,
    /// A chat agent.
    Chat,
    /// A contributor.
    Contributor,
    /// An admin.
    Admin,
    /// A billing admin.
    BillingAdmin,
}

impl RoleType {
    /// Every kind, at the index of its number in the API.
    pub const ALL: &[Self] =
        &[Self::Custom, Self::Light, Self::Chat, Self::Contributor, Self::Admin, Self::BillingAdmin];

    /// The word in policies.
    pub fn word(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Light => "light",
            Self::Chat => "chat",
            Self::Contributor => "contributor",
            Self::Admin => "admin",
            Self::BillingAdmin => "billing-admin",
        }
    }
}

/// What belts count apart, so that nothing among end users ever shields an agent. Ordered: highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stratum {
    /// Admins.
    Admins,
    /// Agents.
    Agents,
    /// Everybody else, and people whose record could not be read.
    EndUsers,
}

impl Stratum {
    /// Every stratum.
    pub const ALL: &[Self] = &[Self::Admins, Self::Agents, Self::EndUsers];

    /// The stratum of people with this role.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admins,
            Role::Agent => Self::Agents,
            Role::EndUser => Self::EndUsers,
        }
    }

    /// The word in reports and the trail.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admins => "admins",
            Self::Agents => "agents",
            Self::EndUsers => "end-users",
        }
    }

    /// The stratum with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

/// A Zendesk user's record. `None` is a null, or a value that Zendesk's documentation does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Zendesk's id.
    pub id: UserId,
    /// The `Date` of the answer that carried the record.
    pub seen: Timestamp,
    /// Display name.
    pub name: Foreign,
    /// Primary e-mail address.
    pub email: Option<Foreign>,
    /// Role.
    pub role: Option<Role>,
    /// Finer kind of role.
    pub role_type: Option<RoleType>,
    /// Id of a custom role.
    pub custom_role_id: Option<u64>,
    /// Whether the record is deleted (`active` is false).
    pub deleted: Option<bool>,
    /// Whether signing in is blocked.
    pub suspended: Option<bool>,
    /// Whether a second factor is set up.
    pub two_factor: Option<bool>,
    /// Whether an identity was verified.
    pub verified: Option<bool>,
    /// Whether it is a chat-only agent.
    pub chat_only: Option<bool>,
    /// Tags; empty where tagging is off.
    pub tags: Vec<Foreign>,
    /// Organization.
    pub organization_id: Option<u64>,
    /// The id that another system gave; compared without regard to case.
    pub external_id: Option<Foreign>,
}

/// One person in one group of staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// Zendesk's id of it.
    pub id: u64,
    /// Who.
    pub user: UserId,
    /// Id of the group.
    pub group: u64,
}

impl Person {
    /// A record that says nothing yet but whose it is and when it was seen.
    pub fn blank(id: UserId, seen: Timestamp) -> Self {
        Self {
            id,
            seen,
            name: Foreign::new(""),
            email: None,
            role: None,
            role_type: None,
            custom_role_id: None,
            deleted: None,
            suspended: None,
            two_factor: None,
            verified: None,
            chat_only: None,
            tags: Vec::new(),
            organization_id: None,
            external_id: None,
        }
    }

    /// The stratum of today's role.
    pub fn stratum(&self) -> Stratum {
        self.role.map_or(Stratum::EndUsers, Stratum::of)
    }
}
