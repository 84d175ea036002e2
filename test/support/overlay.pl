#!/usr/bin/perl
# overlay.pl FOLDER: builds layers one upon the other by mounting each as the upper one of a real overlay and changing what is seen there, and reads
# through the last. To be run in a mount namespace of its own.
#
# Standard input has a line for each step, its words parted by tabs: "layer"; then what is done to it: "mkdir P", "write P TEXT", "link P TARGET",
# "fifo P", "remove P", "removeAll P"; at last "read P" for each path. What does not work does nothing. Prints "P<tab>TEXT" for each regular file.
# Folders 0 (empty), 1, 2, … are the layers, the uppermost last.
use strict;
use warnings;
use Fcntl;
use POSIX ();

my ($folder) = @ARGV;
chdir $folder or die;
mkdir for '0', 'merged';
my $layers = 0;

# Does something within what is mounted, from which no link leads out.
sub inside {
	my ($work) = @_;
	my $child = fork // die;
	if ($child == 0) {
		chroot 'merged' and chdir '/' or die;
		$work->();
		close STDOUT;
		POSIX::_exit(0);
	}
	waitpid $child, 0;
	die "status $?" if $?;
}

sub remove_all {
	my ($path) = @_;
	return unlink $path if -l $path || !-d _;
	opendir my $names, $path or return;
	remove_all("$path/$_") for grep { !/^\.\.?$/ } readdir $names;
	rmdir $path;
}

my %step = (
	mkdir => sub { mkdir $_[0] },
	write => sub { if (sysopen my $file, $_[0], O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK) { syswrite $file, $_[1] } },
	link => sub { symlink $_[1], $_[0] },
	fifo => sub { POSIX::mkfifo($_[0], 0600) },
	remove => sub { unlink $_[0] },
	removeAll => \&remove_all,
	read => sub {
		sysopen my $file, $_[0], O_RDONLY | O_NONBLOCK or return;
		return if !-f $file;
		sysread $file, my $text, 1000;
		print "$_[0]\t$text\n";
	},
);

chomp(my @lines = <STDIN>);
while (@lines) {
	my ($what) = split /\t/, $lines[0];
	if ($what eq 'layer') {
		shift @lines;
		system('umount', 'merged') if $layers;
		my $lower = join ':', reverse 0 .. $layers++;
		mkdir for $layers, "work$layers";
		system('mount', '-t', 'overlay', 'overlay', '-o', "lowerdir=$lower,upperdir=$layers,workdir=work$layers", 'merged') == 0 or die;
		next;
	}
	my @steps;
	push @steps, shift @lines while @lines && $lines[0] ne 'layer';
	inside(sub { for (@steps) { my ($name, @words) = split /\t/; $step{$name}->(@words) } });
}
