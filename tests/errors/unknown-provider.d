//@ check
sycall:::entry { exit(0); }
