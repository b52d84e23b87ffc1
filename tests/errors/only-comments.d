//@ check
/* nothing here */
