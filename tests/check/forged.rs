//! Forgers, each with what finds him.
