//! How long a check takes.
