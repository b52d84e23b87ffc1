//@ check
//@ status: 1
cpc:::page_fault-all-1,
cpc:::cs,
cpc:::cs-some-1,
cpc:::cs-all-0x10
{}
