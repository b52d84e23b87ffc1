//@ name: dtrace
//@ run: -v -e -s
BEGIN { this->from = ntohs(80); }
tick-1s { trace(this->from); exit(0); }
