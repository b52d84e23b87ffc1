//@ check
BEGIN { @ = quantize(); @b = lquantize(1, 0, 10, 0); exit(0); }
