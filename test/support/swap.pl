#!/usr/bin/perl
# swap.pl A B [C D …]: exchanges each pair of names, in one step, over and over, until its standard input ends.
use strict;
use warnings;
use POSIX ();

my $renameat2 = (POSIX::uname())[4] eq 'aarch64' ? 276 : 316;
my $input = '';
vec($input, fileno(STDIN), 1) = 1;
$| = 1;
print "swapping\n";
until (select(my $ready = $input, undef, undef, 0)) {
	for (my $i = 0; $i < @ARGV; $i += 2) {
		syscall($renameat2, -100, $ARGV[$i], -100, $ARGV[$i + 1], 2) == 0 or die "$ARGV[$i]: $!";
	}
}
