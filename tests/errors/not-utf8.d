//@ check
BEGIN { trace("ÿþ"); Ã( }
