//@ check

