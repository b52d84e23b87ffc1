#!/usr/bin/env -S strand -q
/*
 * topphp.d - the PHP functions that take most time, by the request that they serve.
 *
 * Probes (Needs: usdt): marks of Apache's httpd and of PHP.
 */
#pragma D option zdefs

ap*:::process-request-entry
{
	self->uri = copyinstr(arg1);
}

php*:::function-entry
{
	self->began = timestamp;
}

php*:::function-return
/self->began != 0/
{
	this->func = strjoin(copyinstr(arg3), strjoin(copyinstr(arg4), copyinstr(arg0)));
	@[this->func, self->uri] = avg(timestamp - self->began);
}

END
{
	printa(@);
}
